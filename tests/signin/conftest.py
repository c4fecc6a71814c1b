import pytest

from tests.authenticator import Telephone
from tests.valkey import PrivateValkey


@pytest.fixture
def telephone(valkey: PrivateValkey, monkeypatch: pytest.MonkeyPatch) -> Telephone:
    return Telephone(monkeypatch)
