/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Headers of a registry's response, one per line: the target of a redirect is an absolute URL or
 * empty, and what is shown to people is valid text.
 */

#include "fetch/http.h"
#include "fetch/response.h"
#include "fuzz.h"

#include <string.h>

static const char url[] = "https://registry.example.com:5000/v2/team/app/blobs/uploads/?a=b";

static void check(const BerthResponse *response) {
    g_autofree char *host = berth_http_get_host(response->location);

    g_assert_null(strchr(response->location, '#'));
    g_assert_true(response->location[0] == '\0' || strstr(response->location, "://"));
    g_assert_true(g_utf8_validate(response->warnings, -1, NULL));
    g_assert_cmpint(response->retry_after, >=, -1);
    g_assert_cmpint(response->retry_after, <=, 24 * 3600);
    g_assert_cmpint(response->first_byte, >=, -1);
    g_assert_null(strchr(response->content_type, ';'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", 64);
    BerthResponse response = {0};

    berth_response_reset(&response);
    for (char **line = lines; *line; line++) {
        char *colon = strchr(*line, ':');
        if (!colon)
            continue;
        *colon = '\0';
        berth_response_take_header(&response, url, *line, g_strstrip(colon + 1));
    }
    check(&response);
    berth_response_clear(&response);
    return 0;
}
