"""Jobs published again by other partners: how many, what they share, and what the double says of them."""

import json
from collections.abc import Callable

import pytest

from moisson_twin import Drift, Settings, World, WorldSettings
from moisson_twin.__main__ import parser, settings_from
from moisson_twin.copies import rewrite
from tests.twin.conftest import Caller


@pytest.fixture(scope="module")
def world() -> World:
    """A world with a fifth of the partners' offers copied."""
    return World(WorldSettings(offres=3000, duplicate_share=0.2, drift=Drift.none()))


def test_a_share_of_the_partners_offers_are_copies(world: World) -> None:
    """A little less than asked, since a partner does not copy itself."""
    copies = sum(len(job) - 1 for job in world.duplicates())
    assert 0.15 * 0.65 * 3000 < copies <= 0.2 * 0.65 * 3000


def test_a_job_has_one_contract_trade_and_place(world: World) -> None:
    """Its ids differ, and at least two sources publish it."""
    for job in world.duplicates():
        offres = [world.offre(id_) for id_ in job]
        found = [offre for offre in offres if offre is not None]
        assert len({offre["id"] for offre in found}) == len(job) >= 2
        assert len({(offre["typeContrat"], offre["romeCode"], offre["natureContrat"]) for offre in found}) == 1
        assert len({offre["lieuTravail"].get("commune") for offre in found} - {None}) <= 1
        sources = {json.dumps([p["nom"] for p in offre["origineOffre"].get("partenaires", [])]) for offre in found}
        assert len(sources) >= 2


def test_without_copies_a_world_is_what_it_was() -> None:
    """The setting moves nothing else: the other offers keep their ids, dates and texts."""
    plain = World(WorldSettings(offres=800, drift=Drift.none()))
    copied = World(WorldSettings(offres=800, duplicate_share=0.1, drift=Drift.none()))
    again = {id_ for job in copied.duplicates() for id_ in job}
    assert plain.duplicates() == []
    assert plain.truth().ids == copied.truth().ids
    others = [id_ for id_ in plain.truth().ids if id_ not in again]
    assert [plain.offre(id_) for id_ in others] == [copied.offre(id_) for id_ in others]


def test_the_truth_follows_withdrawals_and_republications(world: World) -> None:
    """A job whose last copy goes is published once; a republished original is still the same job."""
    one, two = [job for job in world.duplicates() if len(job) == 2][:2]
    text = world.offre(two[0])
    world.withdraw(one[0])
    world.republish(two[1])
    after = {tuple(sorted(job)) for job in world.duplicates()}
    assert not any(set(one) & set(job) for job in after)
    assert tuple(sorted(two)) in after
    assert world.offre(two[0]) == text


def test_the_truth_over_http(call: Callable[..., Caller], world: World) -> None:
    """A line for each job: what the world tells in process."""
    lines = call(world).request("GET", "/_twin/duplicates").text.splitlines()
    assert [json.loads(line) for line in lines] == world.duplicates()


def test_a_partner_changes_a_text() -> None:
    """It is cut, headed, followed, reflowed or left as it is; always valid JSON, always the same for one number."""
    text = json.dumps('Votre mission :\n- "servir" à table\n\nVotre profil : souriant, été comme hiver.' * 3)[
        1:-1
    ].encode()
    shapes = [rewrite(text, number) for number in range(8)]
    assert shapes == [rewrite(text, number) for number in range(8)]
    decoded = [json.loads(b'"' + shape + b'"') for shape in shapes]
    original = json.loads(b'"' + text + b'"')
    assert decoded[:3] == [original] * 3
    assert decoded[3].startswith("Description du poste :")
    assert decoded[4].endswith("...")
    assert len(decoded[4]) < len(original)
    assert decoded[5].endswith(original)
    assert decoded[6].startswith(original)
    assert decoded[7].split() == original.split()


def test_the_option_and_its_bounds() -> None:
    """`--duplicates 0.1`; a share lies between 0 and 1."""
    settings: Settings = settings_from(parser().parse_args(["--duplicates", "0.1"]))
    assert settings.world.duplicate_share == 0.1
    with pytest.raises(ValueError, match="share"):
        settings_from(parser().parse_args(["--duplicates", "1"]))
