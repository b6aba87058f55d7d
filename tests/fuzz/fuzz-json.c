/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/json.h"
#include "fuzz.h"

#include <string.h>

/* What is printed reads as the same again, in both forms. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autoptr(JsonNode) node = json_parse((const char *)data, size, 16, NULL);

    if (!node)
        return 0;
    g_autofree char *line = json_to_string(node, false);
    g_autofree char *pretty = json_to_string(node, true);
    g_autoptr(JsonNode) again = json_parse(pretty, strlen(pretty), 16, NULL);
    g_assert_nonnull(again);
    g_autofree char *line_again = json_to_string(again, false);
    g_assert_cmpstr(line_again, ==, line);
    return 0;
}
