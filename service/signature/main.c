/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-signature: verifies signatures of images. It is a program of its own, and not a part of
 * berth-inspect, because only signatures need gnutls, which adds nine libraries to each start. It
 * has no state, no network and no files; berthd starts it only if there is a signature to verify.
 */

#include "base/fd.h"
#include "base/limits.h"
#include "frame/frame.h"
#include "signature/signature.h"

/* The keys are those of the policy; they are arguments, since the worker cannot open files. */
static int method_verify(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthSignatureCheck check = {0};
    g_auto(GStrv) keys = NULL;
    g_autofree char *payload = NULL;
    g_autoptr(GError) error = NULL;
    berth_autofd int fd = berth_frame_read_fd(call);
    unsigned key = 0;
    int r;

    (void)userdata;
    if (fd < 0)
        return fd;
    if ((r = sd_bus_message_read(call, "s", &check.signature)) < 0 ||
        (r = sd_bus_message_read_strv(call, &keys)) < 0 ||
        (r = sd_bus_message_read(call, "ss", &check.digest, &check.repository)) < 0)
        return r;
    payload = berth_fd_read_whole(fd, BERTH_MAX_DOCUMENT_BYTES, &check.size, &error);
    check.payload = payload;
    check.keys = keys;
    if (!payload || !berth_signature_verify(&check, &key, &error))
        return berth_bus_error_set(ret_error, error);
    return sd_bus_reply_method_return(call, "u", key);
}

static const sd_bus_vtable vtable[] = BERTH_FRAME_VTABLE(BERTH_SIGNATURE_MEMBERS);

int main(void) {
    return berth_frame_main("signature", vtable);
}
