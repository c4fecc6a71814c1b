import msgspec
import pytest

from accounts.agents.limits import Limits


def test_the_settings_are_the_fields_in_capitals(settings):
    settings.AGENTS = {"DEADLINE": 7, "ALLOWED_NETWORKS": ["127.0.0.0/8"]}
    limits = Limits.from_settings()
    assert limits.deadline == 7.0
    assert limits.allowed_networks == ("127.0.0.0/8",)
    assert limits.keepalive == 75.0


def test_a_setting_that_does_not_exist_is_refused_by_name():
    with pytest.raises(msgspec.ValidationError, match="DEADLIME"):
        Limits.from_mapping({"DEADLIME": 7})


def test_a_setting_of_the_wrong_type_is_refused_by_name():
    with pytest.raises(msgspec.ValidationError, match="MAX_CONCURRENCY"):
        Limits.from_mapping({"MAX_CONCURRENCY": "many"})


def test_the_projects_own_settings_are_accepted():
    assert Limits.from_settings().max_body_bytes == 256 * 1024
