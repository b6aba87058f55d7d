/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Collects the lines of a unit and prints it. The caller that converts a file owns the object until
 * it has been written or shown.
 */

#include "generator/service.h"

#include "generator/words.h"

#include <stdbool.h>
#include <string.h>

enum { MAX_COLUMNS = 98 };

typedef struct {
    char *name;
    GString *lines;
} ServiceSection;

static void section_free(void *pointer) {
    ServiceSection *section = pointer;

    g_string_free(section->lines, TRUE);
    g_free(section->name);
    g_free(section);
}

BerthService *berth_service_new(const char *name) {
    BerthService *service = g_new0(BerthService, 1);

    service->name = g_strdup(name);
    service->sections = g_ptr_array_new_with_free_func(section_free);
    return service;
}

void berth_service_free(BerthService *service) {
    if (!service)
        return;
    berth_service_free(service->other);
    g_ptr_array_unref(service->sections);
    g_free(service->name);
    g_free(service);
}

/* Sections are in the order of their first use. */
static GString *find_section(BerthService *service, const char *name) {
    for (unsigned i = 0; i < service->sections->len; i++) {
        ServiceSection *section = service->sections->pdata[i];
        if (g_str_equal(section->name, name))
            return section->lines;
    }
    ServiceSection *section = g_new0(ServiceSection, 1);
    section->name = g_strdup(name);
    section->lines = g_string_new(NULL);
    g_ptr_array_add(service->sections, section);
    return section->lines;
}

/* A value never extends beyond its line. A backslash at the end would join the next line
 * (systemd.syntax(7)); a space after it prevents that, and systemd removes the space. */
void berth_service_add(BerthService *service, const char *section, const char *key,
                       const char *value) {
    size_t length = strcspn(value, "\r\n");
    bool joins = length > 0 && value[length - 1] == '\\';

    g_string_append_printf(find_section(service, section), "%s=%.*s%s\n", key, (int)length, value,
                           joins ? " " : "");
}

/* prefix: "-" for a command whose failure is ignored (systemd.service(5)). Words are quoted and
 * escaped here, so callers pass them unchanged. */
void berth_service_add_command(BerthService *service, const char *key, const char *prefix,
                               const GPtrArray *words) {
    GString *lines = find_section(service, "Service");

    g_string_append_printf(lines, "%s=%s", key, prefix);
    for (unsigned i = 0; i < words->len; i++) {
        /* The program and its verb are on one line, and so is a short command. */
        size_t begin =
            strrchr(lines->str, '\n') ? (size_t)(strrchr(lines->str, '\n') - lines->str) : 0;
        bool is_far = lines->len - begin + strlen(words->pdata[i]) > MAX_COLUMNS;
        g_string_append(lines, i == 0 ? "" : i > 1 && is_far ? " \\\n    " : " ");
        berth_words_append(lines, words->pdata[i]);
    }
    g_string_append_c(lines, '\n');
}

char *berth_service_print(const BerthService *service) {
    GString *text = g_string_new("# Made by berth-generator. Change the file that SourcePath= "
                                 "names.\n");

    for (unsigned i = 0; i < service->sections->len; i++) {
        const ServiceSection *section = service->sections->pdata[i];
        g_string_append_printf(text, "\n[%s]\n%s", section->name, section->lines->str);
    }
    return g_string_free(text, FALSE);
}
