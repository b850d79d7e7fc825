from __future__ import annotations

import io
import os
import shutil
import sqlite3
import stat
import subprocess
import tarfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pyrage
import pytest

from tests.agent.homes import Home, fill, make_home, share_of
from tuishare.core import home_backup
from tuishare.core.database import Database
from tuishare.core.home_backup import (
    WrongPassphrase,
    make_backup,
    open_backup,
    read_archive,
    require_empty,
    restore_home,
)
from tuishare.core.home_lock import HomeInUse, HomeLock
from tuishare.errors import BadConfiguration, BadInput, Refused, SystemFailed
from tuishare.fs.atomic import publish
from tuishare.home_paths import Places, find_places
from tuishare.people import (
    create_identity,
    load_book,
    load_identity,
    load_or_create_identity,
    rotate_identity,
)

PASSPHRASE = "four random words here"


@pytest.fixture
def empty(root: Path) -> Places:
    return find_places({"TUISHARE_HOME": str(root / "new")})


@pytest.fixture
def backup(alice: Home) -> bytes:
    return make_backup(alice.places, PASSPHRASE)


def pack(**files: bytes) -> bytes:
    """Return such a tar file; two underscores in a name stand for a slash."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as out:
        for name, data in files.items():
            member = tarfile.TarInfo(name.replace("__", "/"))
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
    return tar.getvalue()


def test_all_of_a_home_is_there_again(alice: Home, bob: Home, empty: Places) -> None:
    rotate_identity(alice.places.identity_file, "alice")
    (alice.places.link_outgoing).mkdir(parents=True)
    (alice.places.link_outgoing / "envelope").write_bytes(b"for bob")
    database = Database(alice.places.store_file)  # open, as by an agent: the newest rows are in its log
    share = replace(share_of(fill(alice.drop / "film")), sealed=1)
    database.save(share)
    backup = make_backup(alice.places, PASSPHRASE)
    restore_home(empty, open_backup(backup, PASSPHRASE))
    database.close()
    there = load_identity(empty.identity_file)
    assert there == load_identity(alice.places.identity_file) != alice.identity
    assert len(there.retired) == 1
    assert there.succession is not None
    assert [user.name for user in load_book(empty.users_file)] == ["bob"]
    assert empty.config_file.read_bytes() == alice.places.config_file.read_bytes()
    assert (empty.link_outgoing / "envelope").read_bytes() == b"for bob"
    restored = Database(empty.store_file)
    assert restored.shares() == [replace(share, skip=home_backup._SKIPPED)]
    restored.close()


def test_nothing_but_the_owner_can_read_it(alice: Home, empty: Places) -> None:
    backup = make_backup(alice.places, PASSPHRASE)
    assert alice.places.identity_file.read_bytes() not in backup
    restore_home(empty, open_backup(backup, PASSPHRASE))
    files = [path for folder in (empty.config, empty.state) for path in folder.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_age_opens_it_without_us(alice: Home, tmp_path: Path) -> None:
    tar = pyrage.passphrase.decrypt(make_backup(alice.places, PASSPHRASE), PASSPHRASE)
    (tmp_path / "home.tar").write_bytes(tar)
    subprocess.run(["tar", "xf", "home.tar"], cwd=tmp_path, check=True)
    found = (tmp_path / "config" / "identity.key").read_bytes()
    assert found == alice.places.identity_file.read_bytes()


def test_generations_that_may_have_gone_out_are_left_out(alice: Home, empty: Places) -> None:
    database = Database(alice.places.store_file)
    sealed = replace(share_of(fill(alice.drop / "one")), sealed=4, generation=4)
    pending = replace(share_of(fill(alice.drop / "two")), sealed=4, generation=5)
    database.save(sealed, pending)
    database.close()
    restore_home(empty, open_backup(make_backup(alice.places, PASSPHRASE), PASSPHRASE))
    restored = Database(empty.store_file)
    by_id = {share.id: share for share in restored.shares()}
    restored.close()
    assert (by_id[sealed.id].generation, by_id[sealed.id].skip) == (4, 1_000)
    assert (by_id[pending.id].generation, by_id[pending.id].skip) == (1_005, 0)


def test_a_home_without_an_identity_has_nothing_to_back_up(empty: Places) -> None:
    with pytest.raises(Refused, match="nothing to back up"):
        make_backup(empty, PASSPHRASE)


@pytest.mark.parametrize("name", ["identity_file", "users_file", "store_file"])
def test_a_home_is_never_overwritten(empty: Places, name: str) -> None:
    empty.prepare()
    there: Path = getattr(empty, name)
    there.write_bytes(b"precious")
    with pytest.raises(Refused, match="not empty"):
        require_empty(empty)
    assert there.read_bytes() == b"precious"


def test_a_running_agent_keeps_its_home(backup: bytes, empty: Places) -> None:
    empty.prepare()
    lock = HomeLock(empty.lock_file)
    lock.acquire()
    files = open_backup(backup, PASSPHRASE)
    with pytest.raises(HomeInUse):
        restore_home(empty, files)
    assert list(empty.config.iterdir()) == []
    lock.release()
    restore_home(empty, files)
    with pytest.raises(Refused, match="not empty"):
        restore_home(empty, files)


def test_an_interrupted_restoration_is_only_done_again(
    alice: Home, empty: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was written last: no other identity appears, and the next try ends with the whole home."""
    load_or_create_identity(alice.places.identity_file)
    alice.know()
    Database(alice.places.store_file).close()
    files = open_backup(make_backup(alice.places, PASSPHRASE), PASSPHRASE)
    written = 0

    def publish_some(path: Path, data: bytes) -> None:
        nonlocal written
        written += 1
        if written > most:
            raise SystemFailed("Cannot write: the power is gone")
        publish(path, data)

    monkeypatch.setattr(home_backup, "publish", publish_some)
    for most in range(10):
        written = 0
        try:
            restore_home(empty, files)
        except SystemFailed:
            assert not empty.identity_file.exists()
            if most:
                with pytest.raises(BadConfiguration, match="not restored to its end"):
                    create_identity(empty.identity_file)
        else:
            break
    assert most >= 4
    assert load_identity(empty.identity_file) == alice.identity
    assert "restoring" not in str(list(empty.config.iterdir()))


def test_what_an_earlier_database_left_beside_is_no_part_of_this_one(alice: Home, empty: Places) -> None:
    Database(alice.places.store_file).close()
    empty.prepare()
    log = empty.store_file.with_name("tuishare.db-wal")
    log.write_bytes(os.urandom(4096))
    with closing(sqlite3.connect(empty.store_file)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE shares (foreign_row)")
        shutil.copy(log, log.with_name("kept"))
    log.with_name("kept").rename(log)
    empty.store_file.unlink(missing_ok=True)
    restore_home(empty, open_backup(make_backup(alice.places, PASSPHRASE), PASSPHRASE))
    restored = Database(empty.store_file)
    assert restored.shares() == []
    restored.close()


def test_a_wrong_passphrase_and_a_damaged_file_do_not_open(alice: Home, empty: Places) -> None:
    backup = make_backup(alice.places, PASSPHRASE)
    for data, passphrase in (
        (backup, "another passphrase"),
        (backup[:-1], PASSPHRASE),
        (backup + b"x", PASSPHRASE),
    ):
        with pytest.raises(WrongPassphrase):
            open_backup(data, passphrase)


@pytest.mark.parametrize("data", [b"", b"junk", b"age-encryption.org/v2\n"])
def test_other_files_are_no_backups(data: bytes) -> None:
    with pytest.raises(BadInput, match="not a backup"):
        open_backup(data, PASSPHRASE)


def test_other_age_files_are_no_backups() -> None:
    with pytest.raises(BadInput, match="not a backup"):
        open_backup(pyrage.passphrase.encrypt(pack(notes=b"x"), PASSPHRASE), PASSPHRASE)


IDENTITY = {"form": b"tuishare-backup 1\n", "config__identity.key": b"x"}


def test_a_tar_file_as_it_should_be() -> None:
    assert read_archive(pack(**IDENTITY)) == {PurePosixPath("config/identity.key"): b"x"}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "not a backup"),
        ({"config__identity.key": b"x"}, "not a backup"),  # without its form
        ({**IDENTITY, "config__..__..__evil": b"x"}, "not a backup"),
        ({**IDENTITY, "config__..": b"x"}, "not a backup"),
        ({**IDENTITY, "config__deep__evil": b"x"}, "not a backup"),
        ({**IDENTITY, "__etc__evil": b"x"}, "not a backup"),
        ({**IDENTITY, "state__agent.lock": b"x"}, "not a backup"),
        ({"form": b"tuishare-backup 1\n"}, "no identity"),
    ],
)
def test_other_tar_files_are_no_backups(files: dict[str, bytes], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        read_archive(pack(**files))


def test_what_is_no_tar_file_is_no_backup() -> None:
    with pytest.raises(BadInput, match="not a backup"):
        read_archive(b"not a tar file")


def test_a_later_form_is_one_of_a_newer_version() -> None:
    with pytest.raises(BadConfiguration, match="newer"):
        read_archive(pack(form=b"tuishare-backup 2\n"))


def test_links_in_a_backup_are_refused() -> None:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as out:
        member = tarfile.TarInfo("config/identity.key")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        out.addfile(member)
    with pytest.raises(BadInput, match="not a backup"):
        read_archive(tar.getvalue())


def test_links_in_the_settings_are_not_followed(root: Path, empty: Places) -> None:
    home = make_home(root, "dora")
    (home.places.config / "notes").symlink_to("/etc/passwd")
    restore_home(empty, open_backup(make_backup(home.places, PASSPHRASE), PASSPHRASE))
    assert not (empty.config / "notes").exists()
