/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A reference that is accepted has a normal form, which is accepted as well and is its own normal
 * form.
 */

#include "fetch/reference.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(BerthReference) reference = berth_reference_parse(text, NULL);

    if (!reference)
        return 0;
    g_autofree char *normal = berth_reference_format(reference);
    g_autoptr(BerthReference) again = berth_reference_parse(normal, NULL);
    g_assert_nonnull(again);
    g_autofree char *same = berth_reference_format(again);
    g_assert_cmpstr(normal, ==, same);
    return 0;
}
