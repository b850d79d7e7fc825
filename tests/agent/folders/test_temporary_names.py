"""The names that programs give to what is not complete or not meant to be shared."""

from __future__ import annotations

import re

from tuishare.agent.folders.temporary_names import CLUTTER, EDITORS, TRANSFERS, companion_of, is_temporary

FILES = """
    film.mov.part film.mov.part-Frag12 film.mov.ytdl film.temp.mp4 film.mov.crdownload film.mov.download
    film.mov.opdownload film.mov.partial dist.iso.aria2 film.mov.!qB film.mov.!ut film.mov.bc! film.mov.xltd film.mov.td
    film.mov.!sync film.mov.downloading film.mov.unfinished film.mov.filepart film.mov.lftp film.mov.lftp-pget-status
    .in.film.mov. .pureftpd-upload.5f3 .big.mov.5tHb6R .com.google.Chrome.a1B2c3 .syncthing.film.mov.tmp .stfolder
    .film.mov.~1f3a .film.mov.icloud a.tmp .goutputstream-AB12CD .fuse_hidden0000001a00000001 .nfs000000000123 draft~
    .#draft #draft# draft.swp .draft.swx .draft.kate-swp a.py___jb_tmp___ ~$letter.docx .~lock.letter.odt# db.laccdb
    ~cut~x1y2(.idlk cut.prlock cut.af~lock~ cut.dwl cut.dwl2 scene.blend@ ~board.lck .DS_Store ._letter.odt Thumbs.db
    thumbs.DB desktop.ini .directory
"""
FOLDERS = ".~tmp~ .rsync-partial __MACOSX .Trash-1000 $RECYCLE.BIN @eaDir lost+found film.download"
ORDINARY = """
    .gitignore .env .config.backup .bashrc.custom Foo.td Icon part a.tmp.txt ~notes eaDir @eaDir lost+found app.log
"""


def test_what_programs_leave_is_known_and_everything_else_is_shared() -> None:
    assert [name for name in [*FILES.split(), "Icon\r"] if not is_temporary(name, is_folder=False)] == []
    assert [name for name in FOLDERS.split() if not is_temporary(name, is_folder=True)] == []
    assert [name for name in ORDINARY.split() if is_temporary(name, is_folder=False)] == []


def test_every_row_says_who_makes_such_names_and_where_that_is_said() -> None:
    rows = (*TRANSFERS, *EDITORS, *CLUTTER)
    for row in rows:
        assert row.patterns
        assert row.programs
        assert re.match(r"https://\S+|[\w+-]+\(\d\)", row.source), row
    patterns = [pattern for row in rows for pattern in row.patterns]
    assert len(set(patterns)) == len(patterns)


def test_a_companion_says_of_which_file_it_is() -> None:
    assert companion_of("dist.iso.aria2") == "dist.iso"
    assert companion_of("dist.iso") == ""
