"""The control path ``/_twin``: what a test may read of the double and change in it. The true service has no such thing.

GET  /_twin/truth    the living offers, one JSON object a line: {"id": ..., "creation_ms": ...}
GET  /_twin/duplicates  the living offers that are one job: a JSON list of ids for each job published again, a line each
GET  /_twin/offre/ID the full JSON of a living offer, without token or quota (404 when there is none)
GET  /_twin/stats    answers by kind and status, most searches in any one second by application, world's time
POST /_twin/clock    {"advance_s": 60}: moves both clocks, tokens' and world's
GET  /_twin/faults   the faults in force
POST /_twin/faults   {"faults": ["reply_500:at=3", ...]}: replaces them ([] ends all misbehaviour)
POST /_twin/events   {"publish": 10, "own": true} or {"withdraw": ID} or {"edit": ID} or {"republish": ID}
                     or {"suspend": ID}, then {"restore": ID}: gone for a while, with its dateCreation when it is back
"""

import json
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from moisson_twin.faults import FaultError

if TYPE_CHECKING:
    from moisson_twin.app import Service


def control_routes(service: "Service") -> list[Route]:
    """The routes of the control path for one service."""

    def refused(message: str) -> Response:
        return JSONResponse({"error": message}, status_code=400)

    async def truth(request: Request) -> Response:
        now = service.world.truth()
        lines = "".join(
            f'{{"id":"{id_}","creation_ms":{ms}}}\n' for id_, ms in zip(now.ids, now.creation_ms.tolist(), strict=True)
        )
        return PlainTextResponse(lines, media_type="application/x-ndjson")

    async def duplicates(request: Request) -> Response:
        lines = "".join(json.dumps(ids) + "\n" for ids in service.world.duplicates())
        return PlainTextResponse(lines, media_type="application/x-ndjson")

    async def offre(request: Request) -> Response:
        row = service.world.find(request.path_params["id"])
        if row is None:
            return JSONResponse({"error": "no such offer is alive"}, status_code=404)
        return Response(service.world.render([row], service.settings.shown_clock)[0], media_type="application/json")

    async def stats(request: Request) -> Response:
        return JSONResponse(
            service.stats.report()
            | {"calls": service.calls, "total": service.world.total, "world_time_s": service.world.time_s}
        )

    async def clock(request: Request) -> Response:
        advance_s = (await _object(request)).get("advance_s")
        if not isinstance(advance_s, int | float) or advance_s < 0:
            return refused('send {"advance_s": seconds}, zero or more')
        service.skipped_s += advance_s
        service.move_world()
        return JSONResponse({"world_time_s": service.world.time_s})

    async def faults(request: Request) -> Response:
        if request.method == "POST":
            texts = (await _object(request)).get("faults")
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
                return refused('send {"faults": ["name:key=value", ...]}')
            try:
                service.faults.set(texts)
            except FaultError as error:
                return refused(str(error))
        return JSONResponse({"faults": [fault.name for fault in service.faults.active]})

    async def events(request: Request) -> Response:
        asked = await _object(request)
        world = service.world
        try:
            if "publish" in asked:
                return JSONResponse({"ids": world.publish(int(asked["publish"]), bool(asked.get("own", True)))})
            for name in ("withdraw", "edit", "republish", "suspend", "restore"):
                if name in asked:
                    getattr(world, name)(str(asked[name]))
                    return JSONResponse({"ids": [asked[name]]})
        except KeyError as error:
            return refused(f"no offer {error} is {'suspended' if 'restore' in asked else 'alive'}")
        return refused("send one of publish, withdraw, edit, republish, suspend, restore")

    return [
        Route("/truth", truth),
        Route("/duplicates", duplicates),
        Route("/offre/{id}", offre),
        Route("/stats", stats),
        Route("/clock", clock, methods=["POST"]),
        Route("/faults", faults, methods=["GET", "POST"]),
        Route("/events", events, methods=["POST"]),
    ]


async def _object(request: Request) -> dict[str, Any]:
    try:
        content = await request.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
