/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Decides whether stored content may be used for a pull. Content is stored once for all users, and
 * a manifest may name any digest. So it is used only if this repository is known to have it, from
 * an earlier fetch, or proves that it has it now. The proof consists of samples: ranges that berthd
 * chooses and compares with the blob. (HEAD proves nothing: a hostile registry answers it for any
 * digest.) Content that cannot be proven by samples is fetched as if it were not stored. The object
 * owns the proof while it runs.
 *
 * Samples suffice only for gzip files, whose parts cannot be known without the rest: the last bytes
 * contain a checksum of the whole. That is true of a file with one member; of one with several,
 * they prove less (docs/security.md, "Proof by samples").
 */

#include "base/fd.h"
#include "images/pull-private.h"
#include "store/provenance.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

/* Fetching anything smaller again is no more expensive than a proof. */
enum { SAMPLES = 2, SAMPLE_BYTES = 4096, LEAST_BYTES = 64 * 1024 };

typedef struct {
    BerthPullProof *proof;
    uint64_t offset;
} Sample;

struct BerthPullProof {
    int blob;
    Sample samples[SAMPLES];
    unsigned answers; /* number of answers still to come */
    bool differs;
    BerthPullProofDone done;
    void *userdata;
};

bool berth_pull_may_use(const BerthPullContext *context, const char *digest) {
    BerthDatabase *database = context->images->database;

    if (context->mode == BERTH_PULL_UNPACK)
        return berth_provenance_reaches(database, context->name, digest);
    /* Without a certificate, any process may answer at the registry's address; only root's pulls
     * trust such a registry. */
    return (context->transfer->owner == 0 || berth_remote_session_is_proven(context->fetch)) &&
           berth_content_store_has_source(berth_contents_get_store(context->images->contents),
                                          digest, berth_remote_session_get_locator(context->fetch));
}

void berth_pull_proof_free(BerthPullProof *proof) {
    if (!proof)
        return;
    berth_fd_clear(&proof->blob);
    g_free(proof);
}

static bool is_sample(const Sample *sample, sd_bus_message *reply, GError **error) {
    char own[SAMPLE_BYTES];
    const void *theirs;

    if (!berth_reply_read_sample(reply, sizeof own, &theirs, error))
        return false;
    return pread(sample->proof->blob, own, sizeof own, (off_t)sample->offset) == sizeof own &&
           memcmp(own, theirs, sizeof own) == 0;
}

static void proof_on_sampled(sd_bus_message *reply, const GError *error, void *userdata) {
    const Sample *sample = userdata;
    BerthPullProof *proof = sample->proof;

    if (error || !is_sample(sample, reply, NULL))
        proof->differs = true;
    if (--proof->answers == 0)
        proof->done(!proof->differs, proof->userdata);
}

/* Whether samples can prove this blob: it must be gzip (RFC 1952, section 2.3.1) and have the size
 * stated in the manifest. */
static bool proof_is_suitable(int blob, const BerthDescriptor *descriptor) {
    unsigned char magic[2];
    struct stat status;

    return fstat(blob, &status) == 0 && (uint64_t)status.st_size == descriptor->size &&
           status.st_size >= LEAST_BYTES && pread(blob, magic, sizeof magic, 0) == sizeof magic &&
           magic[0] == 0x1f && magic[1] == 0x8b;
}

static bool proof_choose_offset(uint64_t size, uint64_t *offset) {
    uint64_t random;

    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return false;
    *offset = random % (size - SAMPLE_BYTES);
    return true;
}

BerthPullProof *berth_pull_proof_new(const BerthPullContext *context,
                                     const BerthDescriptor *descriptor, BerthPullProofDone done,
                                     void *userdata) {
    BerthContentStore *store = berth_contents_get_store(context->images->contents);
    berth_autofd int blob = berth_content_store_open_blob(store, descriptor->digest, NULL);
    uint64_t offset;

    if (blob < 0 || !proof_is_suitable(blob, descriptor) ||
        !proof_choose_offset(descriptor->size, &offset))
        return NULL;
    BerthPullProof *proof = g_new0(BerthPullProof, 1);
    *proof = (BerthPullProof){.blob = berth_fd_steal(&blob), .done = done, .userdata = userdata};
    /* A random range, which cannot be known in advance, and the end, which has the checksum (RFC
     * 1952, section 2.3.1). */
    proof->samples[0] = (Sample){proof, offset};
    proof->samples[1] = (Sample){proof, descriptor->size - SAMPLE_BYTES};
    for (size_t i = 0; i < SAMPLES; i++) {
        proof->answers++;
        berth_call_fetch_sample(berth_remote_session_get_worker(context->fetch), descriptor->digest,
                                proof->samples[i].offset, SAMPLE_BYTES, proof_on_sampled,
                                &proof->samples[i]);
    }
    return proof;
}
