"""Who the simulated accounts belong to: firms with their servers, holders with their names."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PropFirm:
    """`offset` is the distance of the broker's clock from UTC in seconds."""

    name: str
    company: str
    server: str
    offset: int
    first_login: int
    leverage: int = 100
    netting: bool = False


FIRMS = (
    PropFirm("Northgate Funding", "Northgate Markets Ltd", "Northgate-Live", 10_800, 5_100_000),
    PropFirm("Alto Capital", "Alto Capital Markets SA", "AltoCapital-Server 2", 7_200, 810_000, 50),
    PropFirm("Blue Harbor Traders", "Blue Harbor Inc.", "BlueHarbor-Demo", 0, 33_400_000, 30),
    PropFirm("Cima Prop", "Cima Brokerage S.A. de C.V.", "CimaProp-MT5", 10_800, 2_007_000),
    PropFirm(
        "Meridian Funded",
        "Meridian Ltd",
        "Meridian-Live 04",
        7_200,
        1_520_000,
        netting=True,
    ),
)

FIRST_NAMES = (
    "María", "José", "Lucía", "Íñigo", "Begoña", "Andrés", "Sofía", "Ramón", "Ángela", "Joaquín",
    "Emily", "Oliver", "Grace", "Jack", "Charlotte", "Henry", "Amelia", "George", "Chloe", "Liam",
)  # fmt: skip
LAST_NAMES = (
    "Núñez", "García", "Ibáñez", "Muñoz", "Peña", "Rodríguez", "Güell", "Fernández", "Ordóñez",
    "Walker", "O'Connor", "Bennett", "Clarke", "Hughes", "Thompson", "Wright", "Foster", "Murphy",
)  # fmt: skip
LONG_NAME = "María de los Ángeles Fernández-Villaverde y Rodríguez de Santillana"


def holder_name(index: int, rng: random.Random) -> str:
    """A holder's name; account 5 has one that is far too long for any column."""
    if index == 5:
        return LONG_NAME
    return f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"
