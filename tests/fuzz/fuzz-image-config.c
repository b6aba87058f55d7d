/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads an image's configuration: the result can be sent over the bus, and its diff IDs are
 * digests.
 */

#include "base/digest.h"
#include "fuzz.h"
#include "inspect/inspect.h"

static void check_strings(char *const *strings) {
    g_assert_nonnull(strings);
    for (; *strings; strings++)
        g_assert_true(g_utf8_validate(*strings, -1, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autoptr(BerthImageConfig) config = berth_image_config_read((const char *)data, size, NULL);
    BerthAlgorithm algorithm;

    if (!config)
        return 0;
    char **const vectors[] = {config->diff_ids,    config->entrypoint, config->command,
                              config->environment, config->volumes,    config->ports,
                              config->labels,      config->health};
    for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++)
        check_strings(vectors[i]);
    for (char **diff_id = config->diff_ids; *diff_id; diff_id++)
        g_assert_true(berth_digest_parse(*diff_id, &algorithm, NULL));
    char *const texts[] = {config->user, config->working_directory, config->stop_signal, NULL};
    check_strings(texts);
    g_assert_cmpuint(g_strv_length(config->labels) % 2, ==, 0);
    return 0;
}
