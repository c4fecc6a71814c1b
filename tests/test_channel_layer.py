"""The layer of Channels: delivery does not use it, a consumer that wants groups can."""

from channels.layers import get_channel_layer

from tests.valkey import PrivateValkey


async def test_a_message_to_a_group_reaches_a_channel_in_it(valkey: PrivateValkey) -> None:
    layer = get_channel_layer()
    try:
        channel = await layer.new_channel()
        await layer.group_add("tests", channel)
        await layer.group_send("tests", {"type": "greeting", "text": "hello"})
        assert await layer.receive(channel) == {"type": "greeting", "text": "hello"}
    finally:
        await layer.flush()
