"""Where a run finds its policy: a file, LEAN's object store, the copy in its folder; and what is refused, in words."""

from pathlib import Path

import pytest

from alo_lib.journal import JournalError
from alo_lib.records import Kind, Message
from alo_lib.runtime.policy_file import (
    KEPT_POLICY,
    POLICY_KEY,
    load_policy,
    named_in_store,
    policy_of_run,
    policy_of_settings,
    put_in_store,
    require_kept_policy,
    save_policy,
)
from alo_lib.runtime.same_settings import require_same_settings
from alo_lib.settings import Settings, SettingsError
from alo_lib.strategy.hedging_policy import HedgingPolicy, PolicyError
from alo_lib.strategy.policy_format import policy_digest, policy_text
from alo_lib.strategy.policy_records import policy_records

ONE, OTHER = HedgingPolicy.zero(100.0), HedgingPolicy.zero(200.0)


def by(name: str | Path) -> Settings:
    return Settings.of({"hedge": "policy", "policy": str(name)})


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    save_policy(ONE, tmp_path / "one.json")
    assert (tmp_path / "one.json").read_bytes() == policy_text(ONE)
    assert policy_digest(load_policy(tmp_path / "one.json")) == policy_digest(ONE)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "the policy {} cannot be read: No such file or directory"),
        (b"", "the policy {} cannot be hedged by: it is not JSON"),
        (b"\x89PNG\r\n", "the policy {} cannot be hedged by: it is not UTF-8"),
        (policy_text(ONE)[:-10], "the policy {} cannot be hedged by: it is not JSON"),
        (policy_text(ONE).replace(b"100.0", b"101.0"), "the policy {} cannot be hedged by: its contents have the"),
    ],
)
def test_a_file_that_is_missing_or_no_policy_is_named(content: bytes | None, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PolicyError) as refused:
        policy_of_settings(by(path))
    assert str(refused.value).startswith(sentence.format(path))
    assert "\n" not in str(refused.value)


def test_a_folder_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read: Is a directory"):
        load_policy(tmp_path)


def test_what_is_no_file_is_a_key_of_the_store(tmp_path: Path) -> None:
    store = {"policies/one.json": policy_text(ONE), "bad": b"[]"}
    found = policy_of_settings(by("policies/one.json"), store.get)
    assert found is not None
    assert policy_digest(found) == policy_digest(ONE)
    with pytest.raises(PolicyError, match="the policy bad cannot be hedged by: it is no hedging policy"):
        policy_of_settings(by("bad"), store.get)
    with pytest.raises(PolicyError, match="the policy neither cannot be read"):
        policy_of_settings(by("neither"), store.get)
    save_policy(OTHER, tmp_path / "both")
    found = policy_of_settings(by(tmp_path / "both"), {str(tmp_path / "both"): policy_text(ONE)}.get)
    assert found is not None
    assert policy_digest(found) == policy_digest(OTHER)
    assert policy_of_settings(Settings(policy="neither")) is None


def test_a_run_goes_on_by_its_copy_and_by_no_other(tmp_path: Path) -> None:
    path, folder = tmp_path / "one.json", tmp_path / "run"
    folder.mkdir()
    save_policy(ONE, path)
    policy_of_run(by(path), folder, resume=False)
    assert (folder / KEPT_POLICY).read_bytes() == policy_text(ONE)
    path.unlink()
    found = policy_of_run(by(path), folder, resume=True)
    assert found is not None
    assert policy_digest(found) == policy_digest(ONE)
    save_policy(OTHER, path)
    with pytest.raises(PolicyError) as refused:
        policy_of_run(by(path), folder, resume=True)
    assert str(refused.value) == (
        f"the policy {path} has the digest {policy_digest(OTHER)[:16]}..., but the journal was begun with "
        f"{policy_digest(ONE)[:16]}...; use that one, or begin anew"
    )
    policy_of_run(by(path), folder, resume=False)  # begun anew in the same folder
    assert (folder / KEPT_POLICY).read_bytes() == policy_text(OTHER)


def test_a_store_gets_the_copy_by_a_name_of_its_own(tmp_path: Path) -> None:
    folder, store = tmp_path / "run", tmp_path / "store"
    folder.mkdir()
    store.mkdir()
    save_policy(ONE, folder / KEPT_POLICY)
    put_in_store(by(tmp_path / "gone"), folder, store)
    assert (store / POLICY_KEY).read_bytes() == policy_text(ONE)
    assert named_in_store(by(tmp_path / "gone")).policy == POLICY_KEY
    put_in_store(Settings(), folder, tmp_path / "no folder")
    assert named_in_store(Settings()) == Settings()


def test_a_copy_that_somebody_changed_is_not_what_a_journal_tells(tmp_path: Path) -> None:
    told = [Message(Kind.POLICY, 0, policy_records(ONE))]
    require_kept_policy(tmp_path, told)
    save_policy(ONE, tmp_path / KEPT_POLICY)
    require_kept_policy(tmp_path, told)
    save_policy(OTHER, tmp_path / KEPT_POLICY)
    require_kept_policy(tmp_path, [])
    with pytest.raises(PolicyError, match=r"policy\.json has the digest"):
        require_kept_policy(tmp_path, told)


def test_where_a_policy_lies_is_no_other_setting() -> None:
    require_same_settings(by("here").model_dump_json().encode(), by("there"), "j")
    with pytest.raises(SettingsError, match="hedge was 'policy' and is 'delta_band'"):
        require_same_settings(by("here").model_dump_json().encode(), Settings(), "j")
    with pytest.raises(JournalError):
        require_same_settings(b"[]", by("here"), "j")


def test_a_policy_has_to_be_named() -> None:
    with pytest.raises(SettingsError, match=r"^setting hedge policy needs a file to hedge by: set policy, too$"):
        Settings.of({"hedge": "policy"})
