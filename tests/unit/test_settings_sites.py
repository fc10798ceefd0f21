"""config/sites.yml: what is peculiar to single sites."""

from pathlib import Path

from ingest.settings.sites import read_sites

SHIPPED = Path(__file__).parents[2] / "config" / "sites.yml"


def test_the_shipped_file_is_free_of_faults() -> None:
    sites, faults = read_sites(SHIPPED)
    assert faults == []
    assert sites.gaps() == {"slow-gazette.example": 5}


def test_a_missing_file_says_nothing(tmp_path: Path) -> None:
    sites, faults = read_sites(tmp_path / "sites.yml")
    assert (sites.gaps(), sites.tracking_of("https://a.example/"), faults) == ({}, (), [])


def test_tracking_parameters_are_those_of_all_sites_and_of_the_one(tmp_path: Path) -> None:
    path = tmp_path / "sites.yml"
    path.write_text(
        "tracking_parameters: [Kk_*]\nsites: {a.example: {tracking_parameters: [ref]}}\n"
    )
    sites, faults = read_sites(path)
    assert faults == []
    assert sites.tracking_of("https://www.a.example/x") == ("kk_*", "ref")
    assert sites.tracking_of("https://b.example/x") == ("kk_*",)


def test_every_fault_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "sites.yml"
    path.write_text("sites:\n  a.example:\n    gap_secs: 5\n  b.example: {gap_seconds: -1}\n")
    _, faults = read_sites(path)
    assert [(fault.line, fault.key) for fault in faults] == [
        (3, "sites.a.example.gap_secs"),
        (4, "sites.b.example.gap_seconds"),
    ]
    path.write_text("sites:\n  www.a.example: {gap_seconds: 5}\n")
    _, (fault,) = read_sites(path)
    assert (fault.line, fault.remedy) == (2, "write it under a.example")
