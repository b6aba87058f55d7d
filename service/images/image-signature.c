/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verify: whether a stored image is signed, according to the remote of its own name. A Verification
 * opens a session with that remote and then searches for a signature (signatures.c); its result is
 * the key. Its operation owns it. Without a policy for the name there are no keys, so no signature
 * is valid.
 */

#include "images/image-signature.h"

#include "images/signatures.h"

typedef struct {
    BerthOperation *operation;
    BerthImages *images;
    BerthRemoteSession *session;
    BerthSignatureSearch *search;
    char *digest;
    char **keys;
    const char *key; /* the key that made the signature */
    BerthSignatureVerified done;
    void *userdata;
} Verification;

static void verification_report(void *object, const GError *error) {
    const Verification *verification = object;

    verification->done(error ? NULL : verification->key, error, verification->userdata);
}

static void verification_free(void *object) {
    Verification *verification = object;

    berth_signature_search_free(verification->search);
    berth_remote_session_free(verification->session);
    g_strfreev(verification->keys);
    g_free(verification->digest);
    g_free(verification);
}

/* The search has freed itself. The key that is reported comes from the policy. */
static void verification_on_found(unsigned key, const GError *error, void *userdata) {
    Verification *verification = userdata;

    verification->search = NULL;
    if (!error)
        verification->key = verification->keys[key];
    berth_operation_end(verification->operation, error);
}

/* The policy is looked up by the locator, which berthd has checked, and not by the text of the
 * request. Its keys are copied, since a reload of berth.conf frees the settings. */
static void verification_on_ready(BerthRemoteSession *session, const GError *session_error,
                                  void *userdata) {
    Verification *verification = userdata;
    g_autoptr(GError) error = session_error ? g_error_copy(session_error) : NULL;

    if (!error) {
        const BerthPolicy *policy = berth_settings_find_policy(
            verification->images->remotes->settings, berth_remote_session_get_locator(session));
        verification->keys = g_strdupv(policy->keys);
        verification->search = berth_signatures_search(verification->images, session,
                                                       verification->digest, verification->keys,
                                                       verification_on_found, verification, &error);
    }
    if (error)
        berth_operation_end(verification->operation, error);
}

void berth_images_verify_signature(BerthImages *images, const BerthSignatureRequest *request,
                                   BerthSignatureVerified done, void *userdata) {
    static const BerthOperationType type = {.tell = verification_report, .free = verification_free};
    Verification *verification = g_new0(Verification, 1);
    g_autoptr(GError) error = NULL;

    *verification = (Verification){
        .images = images, .digest = g_strdup(request->digest), .done = done, .userdata = userdata};
    verification->operation = berth_operation_new(images->event, &type, verification);
    berth_operation_set_caller(verification->operation, userdata, NULL);
    verification->session = berth_remote_session_new(images->remotes, &request->remote,
                                                     verification_on_ready, verification, &error);
    if (!verification->session)
        berth_operation_end(verification->operation, error);
}
