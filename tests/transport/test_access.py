"""What somebody else put where ours should be: refused in a sentence, never waited for, never written to.

Files are given to another user, which only root can do; the checks do not know who runs them.
"""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from alo_lib.runtime.link import Channel
from alo_lib.transport import MessageRing, RecordRing, SegmentError, access, make_folder
from alo_lib.transport.inspection import Look, segments_in
from tests.transport.peers import ROOT

NUMBER = np.dtype([("number", "<i8")])
NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")


@pytest.fixture
def own(folder, monkeypatch):
    """A default folder that is not there yet, below one that others may write to and that is sticky."""
    shared = folder / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setattr(access, "default_folder", lambda: shared / "alo-0")
    return shared / "alo-0"


@pytest.fixture
def umask():
    """Set it, and put it back afterwards."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize("bits", [0, 0o002, 0o022, 0o777])
def test_folders_and_files_are_the_users_alone_whatever_the_umask(own, umask, bits):
    umask(bits)
    channel = Channel(own / "core" / "deeper")
    RecordRing.create(own / "rings" / "a.ring", NUMBER, capacity=8).close()
    umask(0o022)
    folders = [own, own / "core", own / "core" / "deeper", own / "rings"]
    assert {mode(each) for each in folders} == {0o700}
    files = [each for place in folders for each in place.iterdir() if not each.is_dir()]
    assert {each.name for each in files} >= {"to-core.ring", "core.state", "a.ring"}
    assert {mode(each) for each in files} == {0o600}
    channel.remove()
    assert not (own / "core" / "deeper").exists()


@pytest.mark.parametrize("bits", [0o666, 0o620, 0o602])
def test_a_file_that_others_may_write_to_is_refused(folder, bits):
    path = folder / "a.ring"
    RecordRing.create(path, NUMBER, capacity=8).close()
    path.chmod(bits)
    sentence = f"{path} is refused: it is a file, belongs to user {os.geteuid()} and has mode {bits:04o}; it must be"
    for use in (RecordRing.open, lambda path: RecordRing.ensure(path, NUMBER, capacity=8), Look):
        with pytest.raises(SegmentError, match=re.escape(sentence)):
            use(path)
    path.chmod(0o644)  # to read does no harm
    RecordRing.open(path).close()


@as_root
def test_a_file_of_another_user_is_refused(folder):
    path = folder / "a.ring"
    RecordRing.create(path, NUMBER, capacity=8).close()
    before = path.read_bytes()
    os.chown(path, NOBODY, NOBODY)
    for use in (RecordRing.open, lambda path: RecordRing.ensure(path, NUMBER, capacity=8), Look):
        with pytest.raises(SegmentError, match=f"is a file, belongs to user {NOBODY} and has mode 0600"):
            use(path)
    assert path.read_bytes() == before


def test_a_planted_link_is_not_followed(folder):
    victim = folder / "victim"
    victim.write_bytes(b"precious")
    RecordRing.create(folder / "real.ring", NUMBER, capacity=8).close()
    path = folder / "a.ring"
    for target in (victim, folder / "real.ring", folder / "nothing"):
        path.symlink_to(target)
        with pytest.raises(SegmentError, match=r"a\.ring is refused: it is a link, belongs to user"):
            RecordRing.open(path)
        with pytest.raises(SegmentError, match=r"a\.ring (is refused: it is a link|exists already)"):
            RecordRing.ensure(path, NUMBER, capacity=8)
        assert path.readlink() == target
        path.unlink()
    assert victim.read_bytes() == b"precious"
    assert not (folder / "nothing").exists()


def test_a_link_planted_where_a_segment_is_being_made_is_not_written_through(folder, monkeypatch):
    victim = folder / "victim"
    victim.write_bytes(b"precious")
    monkeypatch.setattr("alo_lib.transport.segment.secrets.token_hex", lambda _: "guessed")
    (folder / f".a.ring.{os.getpid()}.guessed.new").symlink_to(victim)
    with pytest.raises(SegmentError, match=r"a\.ring cannot be made: File exists"):
        RecordRing.create(folder / "a.ring", NUMBER, capacity=8)
    assert victim.read_bytes() == b"precious"


def test_a_second_name_is_refused_unless_the_file_was_just_made(folder):
    RecordRing.create(folder / "real.ring", NUMBER, capacity=8).close()
    os.link(folder / "real.ring", folder / "a.ring")
    for name in ("real.ring", "a.ring"):
        with pytest.raises(SegmentError, match="has 2 names; it must have this one alone"):
            RecordRing.open(folder / name)
    (folder / "a.ring").unlink()
    os.link(folder / "real.ring", folder / ".real.ring.17.abc.new")  # killed between link and unlink
    RecordRing.open(folder / "real.ring").close()
    os.link(folder / "real.ring", folder / "a.ring")
    with pytest.raises(SegmentError, match="has 2 names; it must have this one alone"):
        RecordRing.open(folder / "real.ring")


def test_what_is_no_file_is_refused_and_never_waited_for(folder):
    path = folder / "a.ring"
    os.mkfifo(path, 0o600)
    for use in (RecordRing.open, Look, lambda path: RecordRing.ensure(path, NUMBER, capacity=8)):
        with pytest.raises(SegmentError, match=r"a\.ring is refused: it is a pipe"):
            use(path)
    assert segments_in(folder) == []
    path.unlink()
    path.mkdir()
    with pytest.raises(SegmentError, match=r"a\.ring is refused: it is a folder"):
        RecordRing.open(path)


def test_a_folder_where_others_may_write_is_refused(own):
    own.mkdir()
    inside = own / "core"
    inside.mkdir(mode=0o700)
    for changed, bits in ((own, 0o777), (own, 0o1777), (own, 0o770), (inside, 0o702)):
        changed.chmod(bits)
        sentence = (
            f"folder {changed} is refused: it is a folder, belongs to user {os.geteuid()} and has mode {bits:04o}"
        )
        for use in (Channel, make_folder, lambda folder: MessageRing.create(folder / "a.ring", capacity=8)):
            with pytest.raises(SegmentError, match=re.escape(sentence)):
                use(inside)
        changed.chmod(0o700)
    own.parent.chmod(0o777)
    with pytest.raises(SegmentError, match=r"shared is refused: .* has mode 0777; it must be .* sticky"):
        Channel(inside)
    own.parent.chmod(0o1777)
    Channel(inside).remove()


def test_a_folder_that_is_a_link_is_refused(own, folder):
    (folder / "elsewhere").mkdir(mode=0o700)
    own.symlink_to(folder / "elsewhere")
    with pytest.raises(SegmentError, match="alo-0 is refused: it is a link"):
        Channel(own / "core")
    own.unlink()
    own.mkdir(mode=0o700)
    (own / "core").symlink_to(folder / "elsewhere")
    with pytest.raises(SegmentError, match="core is refused: it is a link"):
        Channel(own / "core")
    (own / "core").unlink()
    (own / "core").symlink_to(folder / "nowhere")
    with pytest.raises(SegmentError, match="core is refused: it is a link"):
        Channel(own / "core")
    assert [*(folder / "elsewhere").iterdir()] == []
    assert not (folder / "nowhere").exists()


@as_root
def test_a_folder_of_another_user_is_refused(own, folder):
    own.mkdir(mode=0o700)
    os.chown(own, NOBODY, NOBODY)
    with pytest.raises(SegmentError, match=f"alo-0 is refused: it is a folder, belongs to user {NOBODY} and has mode"):
        Channel(own / "core")
    assert [*own.iterdir()] == []
    chosen = folder / "chosen"
    chosen.mkdir(mode=0o700)
    os.chown(chosen, NOBODY, NOBODY)
    with pytest.raises(SegmentError, match=r"chosen is refused: .* it must be a folder of user 0 or root"):
        Channel(chosen)


def test_a_chosen_folder_may_be_sticky(folder):
    folder.chmod(0o1777)
    Channel(folder).remove()
    assert folder.exists() is False
    folder.mkdir(mode=0o700)
    folder.chmod(0o777)
    with pytest.raises(SegmentError, match=r"has mode 0777; it must be a folder of user .* and sticky where others"):
        Channel(folder)


PLANT = """
import os, sys
from pathlib import Path
import numpy as np
from alo_lib.transport import RecordRing
os.umask(0)
os.setgid(65534)
os.setuid(65534)
path = Path(sys.argv[1])
ring = RecordRing.create(path, np.dtype([("number", "<i8")]), capacity=8, compiled=False)
os.chmod(path, 0o666)
print(ring.segment.path.stat().st_uid)
"""


@as_root
def test_a_segment_that_another_user_made_first_is_refused():
    """A process of that user makes it with this program, in a folder that both may write to."""
    place = Path("/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp")
    path = place / f"alo-planted-{os.getpid()}.ring"
    made = subprocess.run([sys.executable, "-c", PLANT, path], cwd=ROOT, check=True, capture_output=True, text=True)
    try:
        assert made.stdout == f"{NOBODY}\n"
        with pytest.raises(SegmentError, match=f"belongs to user {NOBODY} and has mode 0666"):
            RecordRing.ensure(path, NUMBER, capacity=8)
    finally:
        path.unlink()
