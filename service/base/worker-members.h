/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The contract between berthd and its workers: every member of org.berth1.Worker, by worker, with
 * the signatures of its call and its reply. Both sides are generated from these tables. berthd's
 * stubs in worker/calls.h send nothing else and accept no reply with another signature. A worker's
 * vtable (BERTH_FRAME_VTABLE in frame/frame.h) has exactly these members, so that a member without
 * a handler fails to build.
 *
 * A descriptor is "(sst)": media type, digest, size. The comments name the values in order: those
 * of the call before the arrow, those of the reply after it.
 *
 * MEMBER(constant, handler, name, signature of the call, signature of the reply)
 */

#pragma once

#define BERTH_WORKER_PATH "/org/berth1/worker"
#define BERTH_WORKER_INTERFACE "org.berth1.Worker"

/* The argument that starts a program as a template of workers (worker/worker-template.h). Its
 * messages are 32-bit numbers, each with one descriptor if sent to the template;
 * BERTH_WORKER_BUS_FD is its socket to berthd, and BERTH_WORKER_DIRECTORY_FD a file in memory with
 * one pid_t, that of the worker cloned last. */
#define BERTH_WORKER_TEMPLATE "template"

/* The descriptors that a worker is started with. */
enum {
    BERTH_WORKER_BUS_FD = 3,
    BERTH_WORKER_DIRECTORY_FD = 4, /* or an envelope that contains it */
};

// clang-format off

#define BERTH_ARCHIVE_MEMBERS(MEMBER)                                                              \
    /* archive, whether to treat all of it as a single member */                                   \
    MEMBER(BERTH_ARCHIVE_OPEN, open, "Open", "hb", "")                                             \
    /* → whether there is another member, name, size, link target, is a hard link, is a file */    \
    MEMBER(BERTH_ARCHIVE_NEXT, next, "Next", "", "bstsbb")                                         \
    /* output for the member's content, limit → size */                                            \
    MEMBER(BERTH_ARCHIVE_EXTRACT, extract, "Extract", "ht", "t")                                   \
    /* output for the archive */                                                                   \
    MEMBER(BERTH_ARCHIVE_CREATE, create, "Create", "h", "")                                        \
    /* name, size, content */                                                                      \
    MEMBER(BERTH_ARCHIVE_ADD, add, "Add", "sth", "")                                               \
    MEMBER(BERTH_ARCHIVE_FINISH, finish, "Finish", "", "")

#define BERTH_FETCH_MEMBERS(MEMBER)                                                                \
    /* reference, object or "", insecure, registries (host, mirrors, location, insecure,           \
     * blocked) → locator, name, locators of all endpoints to try, ending with the registry        \
     * itself */                                                                                   \
    MEMBER(BERTH_FETCH_OPEN, open, "Open", "ssba(sassbb)", "ssas")                                 \
    /* files in memory with the credentials and certificates for each endpoint, bytes per second,  \
     * connection and stall timeouts in seconds, proxy, hosts without proxy */                     \
    MEMBER(BERTH_FETCH_CONFIGURE, configure, "Configure", "aa{sv}tuuss", "")                       \
    /* media types, whether to use GET instead of HEAD → name, descriptor, warnings */             \
    MEMBER(BERTH_FETCH_RESOLVE, resolve, "Resolve", "asb", "s(sst)as")                             \
    /* object in the same repository → descriptor */                                               \
    MEMBER(BERTH_FETCH_RESOLVE_OBJECT, resolve_object, "ResolveObject", "s", "(sst)")              \
    /* digest, output for the index of its referrers */                                            \
    MEMBER(BERTH_FETCH_REFERRERS, referrers, "Referrers", "sh", "")                                \
    /* descriptor, offset, pipe → size */                                                          \
    MEMBER(BERTH_FETCH_FETCH, fetch, "Fetch", "(sst)th", "t")                                      \
    /* digest, offset, length → exactly those bytes of the blob */                                 \
    MEMBER(BERTH_FETCH_SAMPLE, sample, "Sample", "stu", "ay")                                      \
    /* descriptor, locators that have the blob, content → "pushed", "exists" or "mounted" */       \
    MEMBER(BERTH_FETCH_PUSH_BLOB, push_blob, "PushBlob", "(sst)ash", "s")                          \
    /* descriptor, whether to use the reference's tag or digest, content → "pushed" */             \
    MEMBER(BERTH_FETCH_PUSH_MANIFEST, push_manifest, "PushManifest", "(sst)bh", "s")               \
    MEMBER(BERTH_FETCH_AUTHENTICATE, authenticate, "Authenticate", "", "")                         \
    /* whether to list tags, text in the name, maximum → name, description, stars, official */     \
    MEMBER(BERTH_FETCH_SEARCH, search, "Search", "bsu", "a(sstb)")

#define BERTH_INGEST_MEMBERS(MEMBER)                                                               \
    /* pipe, ingest file, algorithm, offset, limit → digest, size */                               \
    MEMBER(BERTH_INGEST_INGEST, ingest, "Ingest", "hhstt", "st")                                   \
    /* like Ingest, with a pipe that receives a byte each time the file has grown */               \
    MEMBER(BERTH_INGEST_INGEST_ANNOUNCING, ingest_announcing, "IngestAnnouncing", "hhstth", "st")  \
    /* file, algorithm → digest, size */                                                           \
    MEMBER(BERTH_INGEST_HASH, hash, "Hash", "hs", "st")                                            \
    /* names and a client's descriptors, output file, limit for each, limit for the file */        \
    MEMBER(BERTH_INGEST_GATHER, gather, "Gather", "a(sh)htt", "")                                  \
    /* directories whose renames are made durable */                                               \
    MEMBER(BERTH_INGEST_SYNC, sync, "Sync", "ah", "")                                              \
    MEMBER(BERTH_INGEST_SYNC_FILE_SYSTEM, sync_file_system, "SyncFileSystem", "h", "")

#define BERTH_INSPECT_MEMBERS(MEMBER)                                                              \
    /* blob, media type → is an index, entries (descriptor, operating system, architecture,        \
     * variant, is an attestation), descriptors (configuration, then layers, lowest first),        \
     * content embedded in the document (digest, bytes), titles of the layers */                   \
    MEMBER(BERTH_INSPECT_MANIFEST, manifest, "Manifest", "hs", "ba((sst)sssb)a(sst)a(say)as")      \
    /* blob → operating system, architecture, variant, diff IDs, entrypoint, command, environment, \
     * volumes, ports, labels, user, working directory, stop signal, health check, its start       \
     * interval */                                                                                 \
    MEMBER(BERTH_INSPECT_CONFIG, config, "Config", "h", "sssasasasasasasassssast")                 \
    /* blob → the document as text, checked to be a JSON object */                                 \
    MEMBER(BERTH_INSPECT_TEXT, text, "Text", "h", "s")                                             \
    /* configuration, diff ID, time, author, comment → configuration with the layer added */       \
    MEMBER(BERTH_INSPECT_APPEND_TO_CONFIG, append_to_config, "AppendToConfig", "hssss", "s")       \
    /* manifest, configuration, layer → manifest with the layer added */                           \
    MEMBER(BERTH_INSPECT_APPEND_TO_MANIFEST, append_to_manifest, "AppendToManifest",               \
           "h(sst)(sst)", "s")                                                                     \
    /* manifest of signatures → payloads and their signatures */                                   \
    MEMBER(BERTH_INSPECT_SIGNATURES, signatures, "Signatures", "h", "a((sst)s)")                   \
    /* index.json of an OCI layout → descriptors, their names, and os, architecture, variant */    \
    MEMBER(BERTH_INSPECT_LAYOUT, layout, "Layout", "h", "a((sst)ssss)")                            \
    /* manifest.json of "docker save" → configuration, tags, layers */                             \
    MEMBER(BERTH_INSPECT_DOCKER_ARCHIVE, docker_archive, "DockerArchive", "h", "a(sasas)")

#define BERTH_JOURNAL_MEMBERS(MEMBER)                                                              \
    /* output, end, unit, since, until, lines, follow, messages only, fields; replies at the end.  \
     * end is a pipe that does not block: berthd writes an earlier time for until to it (uint64_t),\
     * and closes it when nothing more will be in the journal. */                                  \
    MEMBER(BERTH_JOURNAL_READ, read, "Read", "hhstttbbas", "")

#define BERTH_SCREEN_MEMBERS(MEMBER)                                                               \
    /* token, master, screen; replies after Release */                                             \
    MEMBER(BERTH_SCREEN_KEEP, keep, "Keep", "thh", "")                                             \
    /* token */                                                                                    \
    MEMBER(BERTH_SCREEN_RELEASE, release, "Release", "t", "")                                      \
    /* master, character */                                                                        \
    MEMBER(BERTH_SCREEN_TYPE, type, "Type", "hy", "")                                              \
    /* bell, an eventfd */                                                                         \
    MEMBER(BERTH_SCREEN_RING, ring, "Ring", "h", "")

#define BERTH_SIGNATURE_MEMBERS(MEMBER)                                                            \
    /* payload, signature, keys, required digest and repository → index of the matching key */     \
    MEMBER(BERTH_SIGNATURE_VERIFY, verify, "Verify", "hsasss", "u")

#define BERTH_UNPACK_MEMBERS(MEMBER)                                                               \
    /* content, diff ID, limit, is the lowest layer → unpacked size, whether to call Settle */     \
    MEMBER(BERTH_UNPACK_UNPACK, unpack, "Unpack", "hstb", "tb")                                    \
    /* content that is still growing, pipe of IngestAnnouncing, final size, then like Unpack */    \
    MEMBER(BERTH_UNPACK_UNPACK_GROWING, unpack_growing, "UnpackGrowing", "hhtstb", "tb")           \
    /* merged tree of the layers below, the layer's content */                                     \
    MEMBER(BERTH_UNPACK_SETTLE, settle, "Settle", "hh", "")                                        \
    MEMBER(BERTH_UNPACK_SETTLE_LOWEST, settle_lowest, "SettleLowest", "", "")                      \
    MEMBER(BERTH_UNPACK_EMPTY, empty, "Empty", "", "")                                             \
    /* → disk usage of the directory in bytes, whether everything was counted */                   \
    MEMBER(BERTH_UNPACK_MEASURE, measure, "Measure", "", "tb")                                     \
    /* output for the tar of the directory */                                                      \
    MEMBER(BERTH_UNPACK_PACK, pack, "Pack", "h", "")                                               \
    /* content of a layer, limit; applied on top of the contents of the directory */               \
    MEMBER(BERTH_UNPACK_APPLY, apply, "Apply", "ht", "")

// clang-format on
