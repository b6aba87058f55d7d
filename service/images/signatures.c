/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A search for one valid signature of a digest. It has berth-inspect read manifests of signatures
 * (first that of the tag used by cosign, then those of referrers), and berth-signature check each
 * candidate that they list with the keys. The caller owns a search until it reports; then it frees
 * itself. It is used by a pull, to check its policy, and by a verification (image-signature.c).
 */

#include "images/signatures.h"

#include "base/fd.h"
#include "base/limits.h"
#include "base/operation.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <errno.h>
#include <sys/mman.h>

enum {
    MAX_MANIFEST_BYTES = 1024 * 1024,
    MAX_PAYLOAD_BYTES = 64 * 1024,
    MAX_KEY_BYTES = 64 * 1024,
    MAX_REFERRERS = 16,
    MAX_CANDIDATES = 64,
};

typedef struct {
    BerthDescriptor *payload;
    char *signature;
} Candidate;

struct BerthSignatureSearch {
    BerthImages *images;
    BerthRemoteSession *session;
    BerthWorker *inspect;
    BerthWorker *verifier; /* berth-signature; NULL until there is a candidate */
    char *digest;
    char **keys;               /* PEM */
    int file;                  /* in memory: the object being fetched */
    BerthDescriptor *fetching; /* the manifest being read */
    Candidate *checking;       /* the candidate being checked */
    GPtrArray *manifests;      /* of BerthDescriptor: still to be read, the next one last */
    GPtrArray *candidates;     /* of Candidate: still to be checked, the next one last */
    bool asked_referrers;
    GError *error; /* why the last candidate was rejected */
    BerthSignatureFound done;
    void *userdata;
};

static void signature_search_next(BerthSignatureSearch *search);

static void candidate_free(gpointer data) {
    Candidate *candidate = data;

    berth_descriptor_free(candidate->payload);
    g_free(candidate->signature);
    g_free(candidate);
}

/* A call to berth-fetch may be pending: it belongs to the session, which the owner frees in the
 * same iteration of the loop. */
void berth_signature_search_free(BerthSignatureSearch *search) {
    if (!search)
        return;
    berth_worker_free(search->inspect);
    berth_worker_free(search->verifier);
    berth_fd_clear(&search->file);
    berth_descriptor_free(search->fetching);
    g_clear_pointer(&search->checking, candidate_free);
    g_ptr_array_unref(search->manifests);
    g_ptr_array_unref(search->candidates);
    g_strfreev(search->keys);
    g_clear_error(&search->error);
    g_free(search->digest);
    g_free(search);
}

/* The search has been freed when done is called: its owner must only drop its pointer. */
static void signature_search_finish(BerthSignatureSearch *search, unsigned key,
                                    const GError *error) {
    BerthSignatureFound done = search->done;
    void *userdata = search->userdata;
    g_autoptr(GError) copy = error ? g_error_copy(error) : NULL;

    berth_signature_search_free(search);
    done(key, copy, userdata);
}

/* There are no candidates left. The message says why the last one was rejected. */
static void search_give_up(BerthSignatureSearch *search) {
    g_autoptr(GError) error = NULL;

    berth_error_set(&error, BERTH_ERROR_FAILED_PRECONDITION, "%s is not signed as it must be: %s",
                    search->digest,
                    search->error ? search->error->message : "there is no signature");
    signature_search_finish(search, 0, error);
}

/* A candidate that fails does not end the search, since another one may be valid. */
static void search_note_error(BerthSignatureSearch *search, const GError *error) {
    g_clear_error(&search->error);
    search->error = g_error_copy(error);
}

/* A new file for each object, so that nothing of an earlier, longer one remains in it. */
static bool search_open_file(BerthSignatureSearch *search, GError **error) {
    berth_fd_clear(&search->file);
    search->file = memfd_create("signature", MFD_CLOEXEC);
    return search->file >= 0 || berth_error_set_errno(error, errno, "make a file in memory");
}

/* Fetches one object into memory. It is no longer in the list it came from, so one that cannot be
 * fetched is not tried again. */
static void search_fetch(BerthSignatureSearch *search, const BerthDescriptor *target,
                         uint64_t limit, BerthWorkerReply reply) {
    g_autoptr(GError) error = NULL;

    if (target->size > limit || !search_open_file(search, &error)) {
        if (!error)
            berth_error_set(&error, BERTH_ERROR_LIMIT_EXCEEDED,
                            "a signature of %" G_GUINT64_FORMAT " bytes", target->size);
        search_note_error(search, error);
        signature_search_next(search);
        return;
    }
    berth_call_fetch_fetch(berth_remote_session_get_worker(search->session), target, 0,
                           search->file, reply, search);
}

/* berth-signature has verified the payload with this key, and that it names the digest and, if it
 * names a repository, this one. Only the index of the key is returned, and it is checked. */
static void search_on_verified(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthSignatureSearch *search = userdata;
    unsigned key = 0;

    if (!error && sd_bus_message_read(reply, "u", &key) > 0 && key < g_strv_length(search->keys)) {
        signature_search_finish(search, key, NULL);
        return;
    }
    if (error)
        search_note_error(search, error);
    signature_search_next(search);
}

static void search_on_payload(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthSignatureSearch *search = userdata;

    (void)reply;
    if (error) {
        search_note_error(search, error);
        signature_search_next(search);
        return;
    }
    const BerthSignatureArguments arguments = {
        .payload = search->file,
        .signature = search->checking->signature,
        .keys = search->keys,
        .digest = search->digest,
        .repository = berth_remote_session_get_locator(search->session),
    };
    berth_call_signature_verify(search->verifier, &arguments, search_on_verified, search);
}

/* A malformed entry ends the list; entries beyond the limit are not tried. */
static void search_read_candidates(BerthSignatureSearch *search, sd_bus_message *reply) {
    int r = sd_bus_message_enter_container(reply, 'a', "((sst)s)");

    while (r >= 0 && search->candidates->len < MAX_CANDIDATES &&
           sd_bus_message_enter_container(reply, 'r', "(sst)s") > 0) {
        g_autoptr(BerthDescriptor) payload = NULL;
        const char *signature;
        if (berth_reply_read_descriptor(reply, &payload) <= 0 ||
            !berth_reply_read_string(reply, BERTH_MAX_TEXT_BYTES, &signature) ||
            sd_bus_message_exit_container(reply) < 0)
            return;
        Candidate *candidate = g_new0(Candidate, 1);
        candidate->payload = g_steal_pointer(&payload);
        candidate->signature = g_strdup(signature);
        g_ptr_array_add(search->candidates, candidate);
    }
}

/* A manifest that cannot be read has no candidates; the search continues. */
static void search_on_manifest_read(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthSignatureSearch *search = userdata;

    if (error)
        search_note_error(search, error);
    else
        search_read_candidates(search, reply);
    signature_search_next(search);
}

static void search_on_manifest(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthSignatureSearch *search = userdata;

    (void)reply;
    if (error) {
        search_note_error(search, error);
        signature_search_next(search);
        return;
    }
    berth_call_inspect_signatures(search->inspect, search->file, search_on_manifest_read, search);
}

/* The referrers are an image index (OCI distribution specification, "Listing Referrers"). Those
 * beyond the limit are ignored: anyone who may push to the repository can add to the list. */
static void search_on_referrers_read(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthSignatureSearch *search = userdata;
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthDocument) index = error ? NULL : berth_document_read_reply(reply, &local);

    for (guint i = 0; index && i < MIN(index->entries->len, MAX_REFERRERS); i++) {
        const BerthIndexedManifest *entry = index->entries->pdata[i];
        g_ptr_array_add(search->manifests, berth_descriptor_copy(entry->descriptor));
    }
    signature_search_next(search);
}

/* A registry without the referrers API returns an error, and counts as having no referrers. */
static void search_on_referrers(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthSignatureSearch *search = userdata;

    (void)reply;
    if (error) {
        signature_search_next(search);
        return;
    }
    berth_call_inspect_manifest(search->inspect, search->file, BERTH_MEDIA_OCI_INDEX,
                                search_on_referrers_read, search);
}

static void search_ask_referrers(BerthSignatureSearch *search) {
    g_autoptr(GError) error = NULL;

    search->asked_referrers = true;
    if (!search_open_file(search, &error)) {
        signature_search_finish(search, 0, error);
        return;
    }
    berth_call_fetch_referrers(berth_remote_session_get_worker(search->session), search->digest,
                               search->file, search_on_referrers, search);
}

/* The worker is started only for a candidate, since it loads gnutls; it does so while the payload
 * is fetched. */
static void search_check_candidate(BerthSignatureSearch *search) {
    g_autoptr(GError) error = NULL;

    g_clear_pointer(&search->checking, candidate_free);
    search->checking = g_ptr_array_steal_index(search->candidates, search->candidates->len - 1);
    if (!search->verifier &&
        !(search->verifier = berth_worker_new(search->images->event, "signature", -1, &error))) {
        signature_search_finish(search, 0, error);
        return;
    }
    search_fetch(search, search->checking->payload, MAX_PAYLOAD_BYTES, search_on_payload);
}

/* Candidates come first, then further manifests, then the referrers, which are requested once. The
 * search ends if nothing is left. */
static void signature_search_next(BerthSignatureSearch *search) {
    if (search->candidates->len > 0) {
        search_check_candidate(search);
    } else if (search->manifests->len > 0) {
        berth_descriptor_free(search->fetching);
        search->fetching = g_ptr_array_steal_index(search->manifests, search->manifests->len - 1);
        search_fetch(search, search->fetching, MAX_MANIFEST_BYTES, search_on_manifest);
    } else if (!search->asked_referrers) {
        search_ask_referrers(search);
    } else {
        search_give_up(search);
    }
}

/* cosign stores signatures under the tag "sha256-HEX.sig", in the same repository as the signed
 * object. */
static void search_on_tag(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthSignatureSearch *search = userdata;
    BerthDescriptor *target = NULL;

    /* Without the tag there may still be referrers; any other failure ends the search. */
    if (error && error->code != BERTH_ERROR_NOT_FOUND) {
        signature_search_finish(search, 0, error);
        return;
    }
    if (!error && berth_reply_read_object(reply, "", &target, NULL))
        g_ptr_array_add(search->manifests, target);
    signature_search_next(search);
}

/* Keys are read for each search, so that a replaced key takes effect at once. A missing one makes
 * the search fail, since the policy requires it. */
static char **read_keys(char *const *paths, GError **error) {
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);

    for (; paths && *paths; paths++) {
        berth_autofd int fd = open(*paths, O_RDONLY | O_CLOEXEC);
        size_t size;
        if (fd < 0) {
            berth_error_set_errno(error, errno, "open the key %s", *paths);
            return NULL;
        }
        char *text = berth_fd_read_whole(fd, MAX_KEY_BYTES, &size, error);
        if (!text) {
            g_prefix_error(error, "the key %s: ", *paths);
            return NULL;
        }
        g_ptr_array_add(keys, text);
    }
    if (keys->len == 0) {
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        "there is no key to check signatures with; set Key= in [Policy]");
        return NULL;
    }
    g_ptr_array_set_free_func(keys, NULL);
    g_ptr_array_add(keys, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&keys), FALSE);
}

/* The tag is requested first, then the referrers (signature_search_next()). */
BerthSignatureSearch *berth_signatures_search(BerthImages *images, BerthRemoteSession *session,
                                              const char *digest, char *const *keys,
                                              BerthSignatureFound done, void *userdata,
                                              GError **error) {
    BerthSignatureSearch *search = g_new0(BerthSignatureSearch, 1);

    search->images = images;
    search->session = session;
    search->digest = g_strdup(digest);
    search->file = -1;
    search->manifests = g_ptr_array_new_with_free_func((GDestroyNotify)berth_descriptor_free);
    search->candidates = g_ptr_array_new_with_free_func(candidate_free);
    search->done = done;
    search->userdata = userdata;
    if (!(search->keys = read_keys(keys, error)) ||
        !(search->inspect = berth_worker_new(images->event, "inspect", -1, error))) {
        berth_signature_search_free(search);
        return NULL;
    }
    g_autofree char *name = g_strdelimit(g_strdup(digest), ":", '-');
    g_autofree char *tag = g_strconcat(name, ".sig", NULL);
    berth_call_fetch_resolve_object(berth_remote_session_get_worker(session), tag, search_on_tag,
                                    search);
    return search;
}
