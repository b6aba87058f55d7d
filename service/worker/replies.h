/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Replies of workers, checked in one place before berthd uses any of them. A worker reads untrusted
 * data and may have been taken over by the time it answers: every name, digest, media type, size,
 * count and length is compared with what was asked for, or with a limit. A reply that does not fit
 * is Internal, "berth-KIND sent a malformed reply", and no part of it is handed out.
 *
 * const strings belong to the reply.
 */

#pragma once

#include "base/bus-error.h"
#include "base/descriptor.h"
#include "base/digest.h"

enum {
    BERTH_REPLY_MAX_TEXT = 4 * 1024 * 1024, /* a document; base/document.h */
    BERTH_REPLY_MAX_NAME = 4096,
    BERTH_REPLY_MAX_LIST = 20000, /* elements of a list */
};

/* Sets the error for a reply of that worker ("fetch"); false. */
bool berth_reply_set_malformed(const char *kind, GError **error);

/* A list of strings, each checked for its length and as UTF-8, and all of them together at most
 * BERTH_REPLY_MAX_TEXT long; otherwise false. Caller frees. */
bool berth_reply_read_strings(sd_bus_message *reply, char ***strings);
/* A string of at most so many bytes. */
bool berth_reply_read_string(sd_bus_message *reply, size_t limit, const char **text);
/* A descriptor with a valid digest and media type: 1, 0 at the end of a list, or negative. */
int berth_reply_read_descriptor(sd_bus_message *reply, BerthDescriptor **descriptor);

/* berth-fetch. Open: the locator and the name are parts of the reference that was given to Open,
 * and the locators are of the places that the configuration has for it ("HOST[:PORT][/PREFIX]"), in
 * that order. */
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
/* Resolve: under that name, and of the digest that was asked for: by object, or without one by the
 * name's end. */
bool berth_reply_read_resolved(sd_bus_message *reply, const char *name, const char *object,
                               BerthDescriptor **target, char ***warnings, GError **error);
/* ResolveObject: of that digest, if object is one. */
bool berth_reply_read_object(sd_bus_message *reply, const char *object, BerthDescriptor **target,
                             GError **error);
/* Search: at most so many, each with a name. */
typedef struct {
    char *name, *description;
    uint64_t stars;
    bool official;
} BerthFoundRepository;
bool berth_reply_read_found(sd_bus_message *reply, uint32_t limit, GPtrArray **results,
                            GError **error);
/* Fetch: all of it. */
bool berth_reply_read_fetched(sd_bus_message *reply, uint64_t size, GError **error);
/* Sample: exactly so many bytes. */
bool berth_reply_read_sample(sd_bus_message *reply, size_t size, const void **data, GError **error);
/* PushBlob, PushManifest: a static string: pushed, exists or mounted. */
const char *berth_reply_read_pushed(sd_bus_message *reply, GError **error);

/* berth-ingest. A digest of that algorithm ("sha256"), of at most limit bytes. */
bool berth_reply_read_ingested(sd_bus_message *reply, const char *algorithm, uint64_t limit,
                               const char **digest, uint64_t *size, GError **error);

/* berth-inspect: a document as text. */
bool berth_reply_read_text(sd_bus_message *reply, const char **text, GError **error);
/* The same of stored content, of which each byte is in the reply. */
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
