/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The schema of berth.db, one version after another. A published version never changes: databases
 * made with it exist.
 */

#include "store/schema.h"

#include <glib.h>

/* Each entry upgrades the schema by one version. */
static const char first_schema[] =
    "CREATE TABLE images (name TEXT PRIMARY KEY, media_type TEXT NOT NULL, digest TEXT NOT NULL,"
    "  size INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX images_digest ON images (digest);"
    "CREATE TABLE labels (kind TEXT NOT NULL, owner TEXT NOT NULL, key TEXT NOT NULL,"
    "  value TEXT NOT NULL, PRIMARY KEY (kind, owner, key)) WITHOUT ROWID;"
    "CREATE TABLE ingests (key TEXT PRIMARY KEY, ref TEXT NOT NULL, total INTEGER NOT NULL,"
    "  owner INTEGER NOT NULL, started INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID;"
    /* boot: the boot ID during which the snapshot was unpacked; NULL once it is synced to disk. */
    "CREATE TABLE snapshots (chain_id TEXT PRIMARY KEY, parent TEXT NOT NULL, size INTEGER NOT "
    "NULL,"
    "  created INTEGER NOT NULL, boot TEXT) WITHOUT ROWID;"
    "CREATE INDEX snapshots_parent ON snapshots (parent);"
    /* The digests to which a manifest or index refers, recorded when it is fetched. */
    "CREATE TABLE children (parent TEXT NOT NULL, child TEXT NOT NULL, PRIMARY KEY (parent, child))"
    "  WITHOUT ROWID;"
    "CREATE INDEX children_child ON children (child);"
    /* Parsed image configurations, so that starting a container does not have to read any; digest
     * is an image's target. */
    "CREATE TABLE image_info (digest TEXT NOT NULL, platform TEXT NOT NULL, info TEXT NOT NULL,"
    "  PRIMARY KEY (digest, platform)) WITHOUT ROWID;"
    "CREATE TABLE containers (id TEXT PRIMARY KEY, image TEXT NOT NULL, owner INTEGER NOT NULL,"
    "  state TEXT NOT NULL, created INTEGER NOT NULL,"
    "  started INTEGER NOT NULL DEFAULT 0, exited INTEGER NOT NULL DEFAULT 0,"
    "  pid INTEGER NOT NULL DEFAULT 0, pid_start INTEGER NOT NULL DEFAULT 0, boot TEXT,"
    "  status INTEGER NOT NULL DEFAULT -1, options TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE events (sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,"
    "  id TEXT NOT NULL, process TEXT NOT NULL, pid INTEGER NOT NULL, status INTEGER NOT NULL,"
    "  time INTEGER NOT NULL, owner INTEGER NOT NULL);";

static const char second_schema[] =
    /* The repositories known to have a blob. */
    "CREATE TABLE sources (digest TEXT NOT NULL, locator TEXT NOT NULL,"
    "  PRIMARY KEY (digest, locator)) WITHOUT ROWID;"
    "CREATE TABLE types (digest TEXT PRIMARY KEY, media_type TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE leases (id TEXT PRIMARY KEY, owner INTEGER NOT NULL, created INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE lease_items (lease TEXT NOT NULL, digest TEXT NOT NULL,"
    "  PRIMARY KEY (lease, digest)) WITHOUT ROWID;"
    /* Transfers in progress, which the next start of the service resumes. */
    "CREATE TABLE transfers (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, reference TEXT NOT NULL,"
    "  platform TEXT NOT NULL, all_platforms INTEGER NOT NULL, insecure INTEGER NOT NULL,"
    "  owner INTEGER NOT NULL, lease TEXT NOT NULL);"
    "ALTER TABLE containers ADD COLUMN chain_id TEXT NOT NULL DEFAULT '';";

static const char third_schema[] =
    "CREATE TABLE processes (container TEXT NOT NULL, id TEXT NOT NULL, command TEXT NOT NULL,"
    "  pid INTEGER NOT NULL, pid_start INTEGER NOT NULL, boot TEXT, running INTEGER NOT NULL,"
    "  started INTEGER NOT NULL, exited INTEGER NOT NULL, status INTEGER NOT NULL,"
    "  PRIMARY KEY (container, id)) WITHOUT ROWID;"
    "CREATE TABLE volumes (name TEXT PRIMARY KEY, owner INTEGER NOT NULL,"
    "  created INTEGER NOT NULL) WITHOUT ROWID;";

static const char fourth_schema[] =
    /* The options of Ingest that Commit needs. */
    "ALTER TABLE ingests ADD COLUMN expected TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE ingests ADD COLUMN lease TEXT NOT NULL DEFAULT '';";

static const char fifth_schema[] =
    /* From here on, the keys of ingests contain their owner; unfinished ones start again. */
    "DELETE FROM ingests;"
    /* See store/provenance.h. Images named before this version belong to no user (-1). */
    "CREATE TABLE holdings (digest TEXT NOT NULL, owner INTEGER NOT NULL,"
    "  PRIMARY KEY (digest, owner)) WITHOUT ROWID;"
    "CREATE TABLE image_holders (name TEXT NOT NULL, owner INTEGER NOT NULL,"
    "  PRIMARY KEY (name, owner)) WITHOUT ROWID;"
    "INSERT INTO image_holders SELECT name, -1 FROM images;"
    "CREATE TABLE diff_ids (digest TEXT NOT NULL, diff_id TEXT NOT NULL,"
    "  PRIMARY KEY (digest, diff_id)) WITHOUT ROWID;"
    "CREATE TABLE chains (manifest TEXT NOT NULL, chain_id TEXT NOT NULL,"
    "  PRIMARY KEY (manifest, chain_id)) WITHOUT ROWID;"
    /* info begins with ('sha256:HEX', 'sha256:HEX', 'sha256:HEX', …: manifest, configuration and
     * chain. */
    "INSERT OR IGNORE INTO chains SELECT substr(info, 3, 71), substr(info, 153, 71)"
    "  FROM image_info JOIN snapshots ON chain_id = substr(info, 153, 71);";

static const char sixth_schema[] =
    /* Whether use of the service's own credentials was granted. */
    "ALTER TABLE transfers ADD COLUMN own INTEGER NOT NULL DEFAULT 0;"
    "UPDATE transfers SET own = 1 WHERE owner = 0 AND NOT insecure;";

static const char seventh_schema[] =
    /* Usage as last measured; kind is the name of a table here, without its "s". */
    "CREATE TABLE disk_usage (kind TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL,"
    "  PRIMARY KEY (kind, name)) WITHOUT ROWID;"
    /* INSERT OR REPLACE does not fire these triggers, since recursive_triggers is off
     * (sqlite.org/lang_conflict.html): rewriting a container's row keeps its measured usage. */
    "CREATE TRIGGER container_usage AFTER DELETE ON containers BEGIN"
    "  DELETE FROM disk_usage WHERE kind = 'container' AND name = old.id; END;"
    "CREATE TRIGGER volume_usage AFTER DELETE ON volumes BEGIN"
    "  DELETE FROM disk_usage WHERE kind = 'volume' AND name = old.name; END;"
    "CREATE INDEX holdings_owner ON holdings (owner);";

static const char eighth_schema[] =
    /* The documents for which "children" is complete. Documents recorded before this version are
     * not listed, and are read once more. */
    "CREATE TABLE documents (digest TEXT NOT NULL, is_index INTEGER NOT NULL,"
    "  PRIMARY KEY (digest, is_index)) WITHOUT ROWID;";

static const char ninth_schema[] =
    "CREATE TABLE networks (name TEXT PRIMARY KEY, created INTEGER NOT NULL,"
    "  bridge TEXT NOT NULL UNIQUE, subnet TEXT NOT NULL, gateway TEXT NOT NULL,"
    "  subnet6 TEXT NOT NULL, gateway6 TEXT NOT NULL, internal INTEGER NOT NULL,"
    "  dns INTEGER NOT NULL, mtu INTEGER NOT NULL) WITHOUT ROWID;";

static const char tenth_schema[] =
    /* A source belongs to the user who has found it. Before this version, nobody is known (-1),
     * unless a single user has the content. */
    "ALTER TABLE sources RENAME TO former_sources;"
    "CREATE TABLE sources (digest TEXT NOT NULL, locator TEXT NOT NULL, owner INTEGER NOT NULL,"
    "  PRIMARY KEY (digest, locator, owner)) WITHOUT ROWID;"
    "INSERT INTO sources SELECT digest, locator, COALESCE((SELECT min(owner) FROM holdings"
    "  WHERE holdings.digest = former_sources.digest HAVING count(*) = 1), -1)"
    "  FROM former_sources;"
    "DROP TABLE former_sources;";

const char *const berth_schemas[] = {first_schema, second_schema, third_schema,   fourth_schema,
                                     fifth_schema, sixth_schema,  seventh_schema, eighth_schema,
                                     ninth_schema, tenth_schema};

const int berth_schema_version = G_N_ELEMENTS(berth_schemas);
