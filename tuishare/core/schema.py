"""The tables of the store, version by version.

Owns the SQL that makes and migrates them. A released statement is never edited: a change is a new entry at the end,
so that an old state file opens for ever.
"""

from __future__ import annotations

from typing import Final

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """
        CREATE TABLE shares (
            id TEXT PRIMARY KEY, path TEXT NOT NULL, name TEXT NOT NULL, recipients TEXT NOT NULL,
            transport TEXT NOT NULL, added INTEGER NOT NULL, secret BLOB NOT NULL, folder TEXT NOT NULL,
            generation INTEGER NOT NULL, step TEXT NOT NULL,
            signature TEXT NOT NULL, size INTEGER NOT NULL, files INTEGER NOT NULL,
            info_hash TEXT NOT NULL, torrent BLOB NOT NULL, root_certificate BLOB NOT NULL, root_key BLOB NOT NULL,
            leaf_certificate BLOB NOT NULL, leaf_key BLOB NOT NULL, envelope TEXT NOT NULL, problem TEXT NOT NULL,
            hint TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX shares_by_info_hash ON shares (info_hash)",
        """
        CREATE TABLE recipients (
            share TEXT NOT NULL, user TEXT NOT NULL, passkey_hash BLOB NOT NULL, PRIMARY KEY (share, user)
        ) STRICT
        """,
        """
        CREATE TABLE downloads (
            id TEXT PRIMARY KEY, envelope TEXT NOT NULL, added INTEGER NOT NULL, step TEXT NOT NULL,
            sender TEXT NOT NULL, signer BLOB NOT NULL, share TEXT NOT NULL, generation INTEGER NOT NULL,
            name TEXT NOT NULL, size INTEGER NOT NULL, files INTEGER NOT NULL, transport TEXT NOT NULL,
            info_hash TEXT NOT NULL, torrent BLOB NOT NULL, contacts TEXT NOT NULL, root_certificate BLOB NOT NULL,
            leaf_certificate BLOB NOT NULL, leaf_key BLOB NOT NULL, staging TEXT NOT NULL, path TEXT NOT NULL,
            signature TEXT NOT NULL, problem TEXT NOT NULL, hint TEXT NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE ledger (
            signer BLOB NOT NULL, share TEXT NOT NULL, generation INTEGER NOT NULL, PRIMARY KEY (signer, share)
        ) STRICT
        """,
        "CREATE TABLE resume (info_hash TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT",
    ),
    (
        "ALTER TABLE shares ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0",
        "UPDATE shares SET sealed = generation WHERE step = 'seeding'",
        "ALTER TABLE downloads ADD COLUMN envelope_hash BLOB NOT NULL DEFAULT x''",
    ),
    (
        "ALTER TABLE shares ADD COLUMN paused INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE shares ADD COLUMN note TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE shares ADD COLUMN not_after INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE downloads ADD COLUMN announce TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE downloads ADD COLUMN paused INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE downloads ADD COLUMN replaces TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE downloads ADD COLUMN replaces_signature TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE downloads ADD COLUMN completed INTEGER NOT NULL DEFAULT 0",
    ),
    (
        """
        CREATE TABLE events (
            id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL
        ) STRICT
        """,
    ),
    (
        "ALTER TABLE shares ADD COLUMN kind TEXT NOT NULL DEFAULT 'share'",
        *(
            f"ALTER TABLE recipients ADD COLUMN {name} INTEGER NOT NULL DEFAULT 0"
            for name in ("sealed", "remaining", "opened", "completed", "seen", "revoked", "until")
        ),
        "ALTER TABLE downloads ADD COLUMN trackers TEXT NOT NULL DEFAULT '[]'",
        """
        UPDATE downloads
        SET trackers = (SELECT json_group_array(json_array(value, '')) FROM json_each(downloads.announce))
        """,
        "ALTER TABLE downloads DROP COLUMN announce",
    ),
    (
        "ALTER TABLE downloads ADD COLUMN note TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE downloads ADD COLUMN not_after INTEGER NOT NULL DEFAULT 0",
    ),
    ("ALTER TABLE recipients ADD COLUMN holder BLOB NOT NULL DEFAULT x''",),
    ("ALTER TABLE downloads ADD COLUMN unwanted TEXT NOT NULL DEFAULT '[]'",),
    ("ALTER TABLE shares ADD COLUMN announce TEXT NOT NULL DEFAULT '[]'",),
    ("ALTER TABLE shares ADD COLUMN contacts TEXT NOT NULL DEFAULT '[]'",),
    (
        "CREATE TABLE torrents (download TEXT PRIMARY KEY, torrent BLOB NOT NULL) STRICT",
        # The torrent of the payload that a download replaces.
        "CREATE TABLE replaced (download TEXT PRIMARY KEY, torrent BLOB NOT NULL) STRICT",
        "INSERT INTO torrents SELECT id, torrent FROM downloads",
        *(
            f"ALTER TABLE downloads ADD COLUMN {name} INTEGER NOT NULL DEFAULT 0"
            for name in ("cost", "entries", "weight")
        ),
        # An estimate: the number of folders is known from the torrent only.
        "UPDATE downloads SET cost = size + 8192 * files, entries = files + 1, weight = length(torrent)",
        "ALTER TABLE downloads DROP COLUMN torrent",
        "ALTER TABLE downloads ADD COLUMN rival TEXT NOT NULL DEFAULT ''",
    ),
    (
        """
        CREATE TABLE damaged (
            number INTEGER PRIMARY KEY, source TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,
            envelope TEXT NOT NULL, fault TEXT NOT NULL, since INTEGER NOT NULL, row BLOB NOT NULL
        ) STRICT
        """,
    ),
    (
        "ALTER TABLE shares RENAME COLUMN signature TO fingerprint",
        "ALTER TABLE downloads RENAME COLUMN signature TO fingerprint",
        "ALTER TABLE downloads RENAME COLUMN replaces_signature TO replaces_fingerprint",
        "ALTER TABLE downloads RENAME COLUMN rival TO conflict",
    ),
    (
        # Of users and of this agent itself.
        """
        CREATE TABLE address_records (
            signer BLOB PRIMARY KEY, sequence INTEGER NOT NULL, signed BLOB NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE handovers (
            recipient BLOB NOT NULL, share TEXT NOT NULL, user TEXT NOT NULL, generation INTEGER NOT NULL,
            digest BLOB NOT NULL, size INTEGER NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL,
            retry INTEGER NOT NULL, detail TEXT NOT NULL, receipt BLOB NOT NULL, PRIMARY KEY (recipient, share)
        ) STRICT
        """,
        """
        CREATE TABLE arrivals (
            signer BLOB NOT NULL, share TEXT NOT NULL, generation INTEGER NOT NULL, digest BLOB NOT NULL,
            envelope TEXT NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL, receipt BLOB NOT NULL,
            owed INTEGER NOT NULL, PRIMARY KEY (signer, share)
        ) STRICT
        """,
    ),
    (
        """
        CREATE TABLE invitations (
            id BLOB PRIMARY KEY, text TEXT NOT NULL, name TEXT NOT NULL, teams TEXT NOT NULL, created INTEGER NOT NULL,
            until INTEGER NOT NULL, used INTEGER NOT NULL, user TEXT NOT NULL, card BLOB NOT NULL, words TEXT NOT NULL,
            host TEXT NOT NULL, added INTEGER NOT NULL
        ) STRICT
        """,
    ),
    (
        """
        CREATE TABLE receipts (
            recipient BLOB NOT NULL, digest BLOB NOT NULL, state TEXT NOT NULL, share TEXT NOT NULL, name TEXT NOT NULL,
            user TEXT NOT NULL, generation INTEGER NOT NULL, at INTEGER NOT NULL, signed BLOB NOT NULL,
            PRIMARY KEY (recipient, digest, state)
        ) STRICT
        """,
        """
        INSERT INTO receipts
        SELECT recipient, digest, iif(state = 'handed-over', 'received', state), share,
            coalesce((SELECT name FROM shares WHERE id = share), ''), user, generation, at, receipt
        FROM handovers WHERE length(receipt) > 0
        """,
    ),
    (
        "ALTER TABLE downloads ADD COLUMN fault TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE handovers ADD COLUMN fault TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE arrivals ADD COLUMN fault TEXT NOT NULL DEFAULT ''",
    ),
    (
        """
        CREATE TABLE joiners (
            invitation BLOB NOT NULL, card BLOB NOT NULL, called TEXT NOT NULL, at INTEGER NOT NULL,
            state TEXT NOT NULL, words TEXT NOT NULL, host TEXT NOT NULL, user TEXT NOT NULL,
            PRIMARY KEY (invitation, card)
        ) STRICT
        """,
        """
        INSERT INTO joiners
        SELECT id, card, user, used, iif(added, 'added', 'joined'), words, host, user FROM invitations WHERE used > 0
        """,
        *(
            f"ALTER TABLE invitations DROP COLUMN {name}"
            for name in ("used", "user", "card", "words", "host", "added")
        ),
        "ALTER TABLE invitations ADD COLUMN uses INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE invitations ADD COLUMN ask INTEGER NOT NULL DEFAULT 0",
        """
        CREATE TABLE joins (
            id BLOB PRIMARY KEY, text TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
            tried INTEGER NOT NULL, error TEXT NOT NULL
        ) STRICT
        """,
    ),
    (
        """
        CREATE TABLE given_introductions (
            recipient BLOB NOT NULL, introduced BLOB NOT NULL, team TEXT NOT NULL, sequence INTEGER NOT NULL,
            at INTEGER NOT NULL, state TEXT NOT NULL, retry INTEGER NOT NULL, detail TEXT NOT NULL,
            PRIMARY KEY (recipient, introduced)
        ) STRICT
        """,
        """
        CREATE TABLE received_introductions (
            introducer BLOB NOT NULL, introduced BLOB NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL,
            signed BLOB NOT NULL, declined INTEGER NOT NULL, PRIMARY KEY (introducer, introduced)
        ) STRICT
        """,
        # Every card that was ever in the user book: who was removed must not come back by an introduction.
        "CREATE TABLE acquaintances (signer BLOB PRIMARY KEY, name TEXT NOT NULL, removed INTEGER NOT NULL) STRICT",
        """
        CREATE TRIGGER user_removed AFTER INSERT ON acquaintances WHEN NEW.removed BEGIN
            DELETE FROM given_introductions WHERE NEW.signer IN (recipient, introduced);
            DELETE FROM received_introductions WHERE NEW.signer IN (introducer, introduced);
        END
        """,
    ),
    ("ALTER TABLE handovers ADD COLUMN hub INTEGER NOT NULL DEFAULT 0",),
    ("ALTER TABLE handovers DROP COLUMN retry",),
    ("ALTER TABLE given_introductions DROP COLUMN retry",),
    ("ALTER TABLE acquaintances RENAME TO known_cards",),
    (
        "ALTER TABLE shares ADD COLUMN left_out TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE downloads ADD COLUMN left_out TEXT NOT NULL DEFAULT '[]'",
    ),
    (
        "ALTER TABLE downloads ADD COLUMN local_name TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE downloads ADD COLUMN renamed TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE downloads ADD COLUMN replaces_renamed TEXT NOT NULL DEFAULT '[]'",
    ),
    (
        "ALTER TABLE joiners ADD COLUMN was_known INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE joiners ADD COLUMN teams TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE joiners ADD COLUMN verifies INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE joins ADD COLUMN words TEXT NOT NULL DEFAULT ''",
    ),
    ("ALTER TABLE address_records ADD COLUMN introducible BLOB NOT NULL DEFAULT x''",),
    ("ALTER TABLE shares ADD COLUMN skip INTEGER NOT NULL DEFAULT 0",),
)
