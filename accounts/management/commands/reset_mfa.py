"""Removes the second factor of a user who has lost it."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from accounts.signin import second_factor


class Command(BaseCommand):
    help = (
        "Removes the second factor of a user and signs them out everywhere, their API tokens "
        "included. Their password signs in again; where a second factor is required, they set up "
        "another right afterwards."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the user name")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        if not second_factor.remove(user, by=f"reset_mfa ({getpass.getuser()})"):
            raise CommandError(f"{user.get_username()} has no second factor.")
        self.stdout.write(f"The second factor of {user.get_username()} is removed.")
