"""The pages of accounts and agents."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
