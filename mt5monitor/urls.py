"""The pages of the site."""

from django.contrib import admin
from django.urls import include, path

from mt5monitor.icon import icon

urlpatterns = [
    path("admin/", admin.site.urls),
    path("favicon.ico", icon, name="icon"),
    path("", include("accounts.urls")),
]
