"""Whatever an agent says is a whole reading or an AgentError, for both contracts."""

import json
from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st

from accounts.agents import AgentError
from accounts.agents.v1 import account_reading, parse_accounts, parse_positions
from accounts.agents.v2 import parse_state
from tests.agents.servers import POSITION, account, positions
from tests.agents.test_v2 import POSITION as V2_POSITION
from tests.agents.test_v2 import STATE as V2_STATE

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)
KEYS = st.sampled_from(sorted(account()))
NEARLY = st.dictionaries(KEYS, JSON, max_size=3).map(lambda changes: account(**changes))
WRAPPED = st.fixed_dictionaries({"accounts": st.lists(NEARLY, max_size=3)})


@given(JSON | NEARLY | st.lists(NEARLY, max_size=3) | WRAPPED)
@example({"accounts": None})
def test_any_json_is_readings_or_an_agent_error(told):
    try:
        accounts, _ = parse_accounts(json.dumps(told).encode())
        readings = [account_reading(one_, "not read") for one_ in accounts]
    except AgentError:
        return
    for reading in readings:
        assert reading.balance.is_finite()
        assert abs(reading.balance) <= 10**15
        assert reading.number >= 0


@given(st.binary(max_size=200))
def test_any_bytes_are_accounts_or_an_agent_error(body):
    with suppress(AgentError):
        parse_accounts(body)


@given(
    st.lists(st.dictionaries(st.sampled_from(sorted(POSITION)), JSON, max_size=2), max_size=3),
    st.integers() | st.none(),
)
def test_any_positions_are_all_of_them_in_part_unreadable_or_unknown(changes, count):
    listed = [{**POSITION, "ticket": n + 1, **change} for n, change in enumerate(changes)]
    told = positions(*listed, position_count=count)
    (owner,), _ = parse_accounts(json.dumps(account(has_open_position=True)).encode())
    try:
        reading = account_reading(owner, parse_positions(json.dumps(told).encode()))
    except AgentError:
        return
    if reading.positions is None:
        assert reading.positions_error
        assert reading.equity is None
    else:
        assert len(reading.positions) + len(reading.unreadable) == len(listed) > 0
        if reading.unreadable:
            assert reading.equity is None
        else:
            assert reading.equity == reading.balance + reading.floating


@given(
    st.dictionaries(st.sampled_from(sorted(V2_STATE)), JSON, max_size=3),
    st.dictionaries(st.sampled_from(sorted(V2_POSITION)), JSON, max_size=3),
)
def test_any_state_is_a_reading_or_an_agent_error(changes, of_position):
    told = {**V2_STATE, "positions": [{**V2_POSITION, **of_position}], **changes}
    try:
        reading = parse_state(json.dumps(told).encode())
    except AgentError:
        return
    assert reading.balance.is_finite()
    assert reading.connected
    assert all(position.volume > 0 for position in reading.positions)
    assert all(row.problem for row in reading.unreadable)
