"""The API's own description: valid, whole, and readable without anything foreign (S19)."""

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from mailer.app import API_ROUTES
from mailer.web.openapi import operation_of
from tests.client import Client

pytestmark = pytest.mark.req("S19")


async def test_the_document_is_valid_openapi(client: Client) -> None:
    answer = await client.get("/api/v1/openapi.json")
    assert answer.status == 200
    document = answer.json()
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")


async def test_every_route_is_described_with_its_scope(client: Client) -> None:
    paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    described = {
        (method.upper(), path): told["description"]
        for path, methods in paths.items()
        for method, told in methods.items()
    }
    known = {}
    for route in API_ROUTES:
        operation = operation_of(route.handler)
        assert operation is not None, f"{route.method} {route.path} is not described"
        assert operation.scope, f"{route.method} {route.path} asks for no scope"
        known[(route.method, f"/api/v1{route.path}")] = f"Scope: `{operation.scope}`"
    assert described == known


async def test_every_query_field_is_described(client: Client) -> None:
    """Also those of a struct that several operations take."""
    paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    names = {one["name"] for one in paths["/api/v1/contacts"]["get"]["parameters"]}
    assert {"cursor", "limit", "email"} <= names
    for path in ("/api/v1/lists", "/api/v1/campaigns/{id}/deliveries"):
        assert {"cursor", "limit"} <= {one["name"] for one in paths[path]["get"]["parameters"]}


async def test_the_reference_loads_nothing_foreign(client: Client) -> None:
    answer = await client.get("/api/v1/reference")
    assert answer.status == 200
    loaded = re.findall(r'(?:src|href|data-url)="([^"]+)"', answer.text)
    assert loaded
    assert all(address.startswith("/") and not address.startswith("//") for address in loaded)
