"""A device that makes and shows passkeys, as a browser passes on what it says."""

import json
import secrets
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import sha256, websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

FLAG = AuthenticatorData.FLAG
AAGUID = bytes(16)


class Device:
    def __init__(self, host: str = "localhost", origin: str = "http://localhost:8000") -> None:
        self.host, self.origin = sha256(host.encode()), origin
        self.id, self.key = secrets.token_bytes(16), ec.generate_private_key(ec.SECP256R1())

    def made(self, asked: str) -> str:
        public = ES256.from_cryptography_key(self.key.public_key())
        credential = AttestedCredentialData.create(AAGUID, self.id, public)
        data = AuthenticatorData.create(self.host, FLAG.UP | FLAG.AT, 0, credential)
        told = AttestationObject.create("none", data, {})
        return self._said(asked, CollectedClientData.TYPE.CREATE, attestationObject=told)

    def shown(self, asked: str) -> str:
        data = AuthenticatorData.create(self.host, FLAG.UP, 0)
        client = self._client(asked, CollectedClientData.TYPE.GET)
        signature = self.key.sign(data + client.hash, ec.ECDSA(hashes.SHA256()))
        kind = CollectedClientData.TYPE.GET
        return self._said(asked, kind, authenticatorData=data, signature=signature)

    def _client(self, asked: str, kind: str) -> CollectedClientData:
        challenge = json.loads(asked)["publicKey"]["challenge"]
        return CollectedClientData.create(kind, challenge, self.origin)

    def _said(self, asked: str, kind: str, **response: bytes) -> str:
        said: dict[str, Any] = {"clientDataJSON": self._client(asked, kind), **response}
        encoded = {name: websafe_encode(bytes(value)) for name, value in said.items()}
        ident = websafe_encode(self.id)
        told = {"id": ident, "rawId": ident, "type": "public-key", "response": encoded}
        return json.dumps(told | {"clientExtensionResults": {}})
