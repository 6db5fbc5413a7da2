"""A journal as one file: what comes back is what was there, and nothing else comes in."""

import gzip
import hashlib
import io
import json
import os
import tarfile

import pytest

from alo_lib.journal import JournalError, JournalWriter, archive_journal, message_digest, read_journal, restore_journal
from tests.journal.workload import message


def members_of(archive):
    """What an archive holds: heads and bytes."""
    with tarfile.open(archive) as tar:
        return [(member, file.read()) for member in tar if (file := tar.extractfile(member)) is not None]


def written(folder, count=200, *, close=True):
    writer = JournalWriter.create(folder, segment_bytes=1 << 14)
    for number in range(count):
        writer.append(message(number))
    if close:
        writer.close()
    return writer


@pytest.fixture
def archive(tmp_path):
    written(tmp_path / "j")
    archive_journal(tmp_path / "j", tmp_path / "a.journal.tar.gz")
    return tmp_path / "a.journal.tar.gz"


def segments(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.segment")}


def repacked(archive, change):
    """The archive with other members: ``change`` alters the list of (TarInfo, bytes)."""
    members = change(members_of(archive))
    with tarfile.open(archive, "w:gz", format=tarfile.USTAR_FORMAT) as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def refused(archive, sentence):
    folder = archive.parent / "back"
    with pytest.raises(JournalError, match=sentence):
        restore_journal(archive, folder)
    assert not folder.exists()
    assert not list(archive.parent.glob(".*restoring"))


def test_what_comes_back_is_what_was_there_to_the_byte(archive, tmp_path):
    told = restore_journal(archive, tmp_path / "elsewhere" / "back")
    assert segments(tmp_path / "elsewhere" / "back") == segments(tmp_path / "j")
    journal = read_journal(tmp_path / "j")
    assert told == (200, len(journal.segments), message_digest(journal.messages), True)
    assert (tmp_path / "elsewhere" / "back").stat().st_mode & 0o777 == 0o700
    archive_journal(tmp_path / "elsewhere" / "back", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == archive.read_bytes()


def test_one_that_is_being_written_is_archived_as_far_as_it_is(tmp_path):
    writer = written(tmp_path / "j", 50, close=False)
    assert archive_journal(tmp_path / "j", tmp_path / "a").closed is False
    for number in range(50, 60):
        writer.append(message(number))
    told = restore_journal(tmp_path / "a", tmp_path / "back")
    assert (told.messages, told.closed) == (50, False)
    first = read_journal(tmp_path / "back", unfinished=True).messages
    assert [each.time for each in first] == [
        each.time for each in read_journal(tmp_path / "j", unfinished=True).messages[:50]
    ]
    writer.close()


def test_nothing_is_written_over(archive, tmp_path):
    with pytest.raises(JournalError, match=r"a.journal.tar.gz is there already"):
        archive_journal(tmp_path / "j", archive)
    before = segments(tmp_path / "j")
    with pytest.raises(JournalError, match="is not empty; a journal is restored to a folder of its own"):
        restore_journal(archive, tmp_path / "j")
    assert segments(tmp_path / "j") == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(JournalError, match="is not empty"):
        restore_journal(archive, tmp_path / "file")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(JournalError, match="pipe is no file, and so no archive of a journal"):
        restore_journal(tmp_path / "pipe", tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.999])
def test_one_that_is_cut_is_refused(archive, share):
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * share)])
    refused(archive, "is cut")


def test_a_byte_that_was_changed_is_found(archive):
    def change(members):
        member, data = members[2]
        return [*members[:2], (member, data[:500] + bytes([data[500] ^ 1]) + data[501:]), *members[3:]]

    repacked(archive, change)
    refused(archive, r"is damaged: 00000001.segment is not what it was, by its digest")


def test_a_name_leads_nowhere(archive, tmp_path):
    for name in ("../../evil.segment", "/tmp/evil.segment", "00000007.segment"):

        def change(members, name=name):
            members[1][0].name = name
            return members

        repacked(archive, change)
        refused(archive, r"is damaged: it holds .* where 00000000.segment of .* should be")

    def told_too(members):
        listed = json.loads(members[0][1])
        listed["segments"][0]["name"] = members[1][0].name = "../evil"
        return [(members[0][0], json.dumps(listed).encode()), *members[1:]]

    repacked(archive, told_too)
    refused(archive, "does not tell what it holds")
    assert {path.name for path in tmp_path.iterdir()} == {"j", archive.name}


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.DIRTYPE, "not a plain file"),
        (tarfile.FIFOTYPE, "not a plain file"),
        (tarfile.XHDTYPE, "not a plain file"),
        (tarfile.GNUTYPE_LONGNAME, "not a plain"),
    ],
)
def test_what_is_no_plain_file_is_refused(archive, kind, what):
    def change(members):
        member = tarfile.TarInfo("00000000.segment")
        member.type, member.linkname = kind, "/etc/passwd"
        return [members[0], (member, b""), *members[2:]]

    members = change(members_of(archive))
    raw = b"".join(m.tobuf(tarfile.USTAR_FORMAT) + d + bytes(-len(d) % 512) for m, d in members) + bytes(1024)
    archive.write_bytes(gzip.compress(raw))
    refused(archive, f"00000000.segment in it is {what}")


@pytest.mark.parametrize(("listed", "sentence"), [
    ({"alo-archive": 2}, r"is an archive of version 2; this program reads version 1"),
    ({"alo-archive": "1"}, "tells no version"),
    ([], "tells no version"),
    ({"alo-archive": 1, "segments": []}, "does not tell what it holds"),
])  # fmt: skip
def test_lists_of_others_are_refused(archive, listed, sentence):
    repacked(archive, lambda members: [(members[0][0], json.dumps(listed).encode()), *members[1:]])
    refused(archive, sentence)


def test_one_that_tells_of_another_journal_is_refused(archive):
    def change(members):
        listed = json.loads(members[0][1])
        assert listed["segments"][0]["sha256"] == hashlib.sha256(members[1][1]).hexdigest()
        return [(members[0][0], json.dumps(listed | {"messages": 201}).encode()), *members[1:]]

    repacked(archive, change)
    refused(archive, "its journal is not the one that it tells of")


def test_more_than_is_told_of_is_refused(archive):
    repacked(archive, lambda members: [*members, (tarfile.TarInfo("more"), b"x")])
    refused(archive, "it holds more, which it does not tell of")


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", gzip.compress(b"hello", mtime=0), gzip.compress(bytes(2048), mtime=0)],
    ids=["empty", "text", "text in gzip", "zeros in gzip"],
)
def test_what_is_no_archive_is_refused(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    refused(tmp_path / "a", "is cut|is no archive of a journal")


def test_a_list_of_less_than_nothing_is_not_read_to_the_end_of_all(tmp_path):
    head = tarfile.TarInfo("archive.json")
    head.size = -1  # what read() takes for all that there is
    archive = tmp_path / "a.journal.tar.gz"
    archive.write_bytes(gzip.compress(head.tobuf(tarfile.GNU_FORMAT) + b"{}"))
    refused(archive, "does not begin with archive.json")


@pytest.mark.parametrize("there", [True, False])
def test_a_journal_is_not_restored_to_a_link(archive, tmp_path, there):
    if there:
        (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    with pytest.raises(JournalError, match="link is a link; a journal is restored to a folder of its own"):
        restore_journal(archive, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "empty").exists() == there
