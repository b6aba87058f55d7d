/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verifies a payload with a signature: nothing may count as signed. */

#include "fuzz.h"
#include "signature/signature.h"

#define KEY                                                                                        \
    "-----BEGIN PUBLIC KEY-----\n"                                                                 \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAErfZfwof4sgnFu+uT3PDHuACgsjlk\n"                           \
    "KRDdDKtSoc5LgA+EvUDTUbbDufo14gaCyFBlUbuM3NOMrQSXnuJc7rfUBA==\n"                               \
    "-----END PUBLIC KEY-----\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    g_autofree char *signature = g_base64_encode(data, size);
    static char pem[] = KEY;
    char *keys[] = {pem, NULL};
    const BerthSignatureCheck check = {
        .payload = text,
        .size = size,
        .signature = signature,
        .keys = keys,
        .digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        .repository = "registry.example.com/web/app",
    };
    unsigned key;

    g_assert_false(berth_signature_verify(&check, &key, NULL));
    return 0;
}
