/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Replies of workers, checked in one place before berthd uses any of them. A worker reads untrusted
 * data and may be compromised by the time it answers: every name, digest, media type, size, count
 * and length is compared with the request, or with a limit. An unacceptable reply leads to the
 * error Internal, "berth-KIND sent a malformed reply", and no part of it is returned.
 *
 * const strings belong to the reply.
 */

#pragma once

#include "base/bus-error.h"
#include "base/descriptor.h"
#include "base/digest.h"

/* Sets the error for a malformed reply of this worker ("fetch") and returns false. */
bool berth_reply_set_malformed(const char *kind, GError **error);

/* Reads a list of strings, each checked for its length and as UTF-8, with a total length of at most
 * BERTH_MAX_DOCUMENT_BYTES. Returns false if it is malformed. The caller frees it. */
bool berth_reply_read_strings(sd_bus_message *reply, char ***strings);
/* Reads a string of at most limit bytes. */
bool berth_reply_read_string(sd_bus_message *reply, size_t limit, const char **text);
/* Reads a descriptor with a valid digest and media type. Returns 1, 0 at the end of a list, or a
 * negative errno. */
int berth_reply_read_descriptor(sd_bus_message *reply, BerthDescriptor **descriptor);

/* berth-fetch. Open: the locator and the name must be parts of the reference passed to Open, and
 * the locators must be those of the endpoints configured for it ("HOST[:PORT][/PREFIX]"), in that
 * order. */
typedef struct {
    const char *reference, *object;
    char *const *places;
} BerthOpenRequest;
typedef struct {
    char *locator, *name;
    char **locators;
} BerthOpenReply;
void berth_open_reply_clear(BerthOpenReply *opened);
bool berth_reply_read_opened(sd_bus_message *reply, const BerthOpenRequest *request,
                             BerthOpenReply *opened, GError **error);
/* Resolve: must have that name, and the digest asked for: that of object or, without one, the one
 * at the end of the name. */
bool berth_reply_read_resolved(sd_bus_message *reply, const char *name, const char *object,
                               BerthDescriptor **target, char ***warnings, GError **error);
/* ResolveObject: must have that digest, if object is one. */
bool berth_reply_read_object(sd_bus_message *reply, const char *object, BerthDescriptor **target,
                             GError **error);
/* Search: at most limit results, each with a name. */
typedef struct {
    char *name, *description;
    uint64_t stars;
    bool official;
} BerthFoundRepository;
bool berth_reply_read_found(sd_bus_message *reply, uint32_t limit, GPtrArray **results,
                            GError **error);
/* Fetch: the whole object. */
bool berth_reply_read_fetched(sd_bus_message *reply, uint64_t size, GError **error);
/* Sample: exactly this many bytes. */
bool berth_reply_read_sample(sd_bus_message *reply, size_t size, const void **data, GError **error);
/* PushBlob and PushManifest: returns a static string: pushed, exists or mounted. */
const char *berth_reply_read_pushed(sd_bus_message *reply, GError **error);

/* berth-ingest. A digest with that algorithm ("sha256"), for at most limit bytes. */
bool berth_reply_read_ingested(sd_bus_message *reply, const char *algorithm, uint64_t limit,
                               const char **digest, uint64_t *size, GError **error);

/* berth-inspect: a document as text. */
bool berth_reply_read_text(sd_bus_message *reply, const char **text, GError **error);
/* Like berth_reply_read_text, for stored content that must be in the reply completely. */
bool berth_reply_read_stored_text(sd_bus_message *reply, uint64_t size, const char **text,
                                  GError **error);

/* berth-unpack. */
bool berth_reply_read_unpacked(sd_bus_message *reply, uint64_t limit, uint64_t *size,
                               bool *needs_lower, GError **error);
/* Disk usage of a tree, of which only the range can be checked. */
bool berth_reply_read_measured(sd_bus_message *reply, uint64_t *size, bool *is_complete,
                               GError **error);

/* berth-archive: the next member; more is false at the end. */
typedef struct {
    bool more, is_hard_link, is_file;
    const char *name, *target;
    uint64_t size;
} BerthArchiveEntry;
bool berth_reply_read_member(sd_bus_message *reply, BerthArchiveEntry *entry, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthOpenReply, berth_open_reply_clear)
