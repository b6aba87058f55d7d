/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The kinds of unit files, and the rules for names of units (systemd.unit(5)). There is no state. A
 * name that passes these checks can be a file name in the directory of generated units.
 */

#include "generator/kinds.h"

#include "generator/translate.h"

#include <string.h>

/* systemd's UNIT_NAME_MAX. */
enum { MAX_NAME = 255 };

const BerthUnitKindInfo berth_unit_kinds[BERTH_UNIT_KINDS] = {
    [BERTH_UNIT_CONTAINER] = {".container", "Container", "", NULL},
    [BERTH_UNIT_VOLUME] = {".volume", "Volume", "-volume", NULL},
    [BERTH_UNIT_NETWORK] = {".network", "Network", "-network", NULL},
    [BERTH_UNIT_IMAGE] = {".image", "Image", "-image", NULL},
    [BERTH_UNIT_POD] = {".pod", "Pod", "-pod", NULL},
    [BERTH_UNIT_KUBE] = {".kube", "Kube", "",
                         N_("Berth does not read Kubernetes' files; write a .container for each "
                            "container")},
    [BERTH_UNIT_BUILD] = {".build", "Build", "-build", NULL},
    [BERTH_UNIT_ARTIFACT] = {".artifact", "Artifact", "-artifact",
                             N_("Berth does not pull artifacts")},
    [BERTH_UNIT_LOGIN] = {".login", "Login", "-login",
                          N_("credentials of registries come from AuthFile= or dist login")},
    [BERTH_UNIT_SOCKET] = {".socket", "Socket", "", NULL},
    [BERTH_UNIT_TIMER] = {".timer", "Timer", "", NULL},
};

/* BERTH_UNIT_KINDS if the name is of no kind: no suffix matches, so the loop ends there. */
BerthUnitKind berth_unit_kind_of(const char *name) {
    const char *dot = strrchr(name, '.');
    unsigned kind = 0;

    while (kind < BERTH_UNIT_KINDS && g_strcmp0(dot, berth_unit_kinds[kind].suffix) != 0)
        kind++;
    return (BerthUnitKind)kind;
}

bool berth_unit_kind_is_plain(BerthUnitKind kind) {
    return kind == BERTH_UNIT_SOCKET || kind == BERTH_UNIT_TIMER;
}

void berth_unit_name_split(const char *name, char **prefix, char **instance) {
    const char *at = strchr(name, '@');

    if (prefix)
        *prefix = at ? g_strndup(name, (gsize)(at - name)) : g_strdup(name);
    if (instance)
        *instance = at ? g_strdup(at + 1) : NULL;
}

char *berth_unit_name_get_stem(const char *name) {
    const char *dot = strrchr(name, '.');

    return g_strndup(name, dot ? (gsize)(dot - name) : strlen(name));
}

/* As systemd-escape(1): "-" is escaped as well, since it stands for "/" in the name of a mount
 * unit, and so is a leading dot. */
char *berth_unit_name_escape(const char *name) {
    GString *text = g_string_new(NULL);

    for (const char *c = name; *c; c++)
        if (g_ascii_isalnum(*c) || strchr(":_", *c) || (*c == '.' && c != name))
            g_string_append_c(text, *c);
        else
            g_string_append_printf(text, "\\x%02x", (unsigned char)*c);
    return g_string_free(text, FALSE);
}

/* The characters that systemd allows (systemd.unit(5), "Description"); a slash is not among them.
 */
bool berth_unit_name_is_valid(const char *name) {
    static const char *const suffixes[] = {".service", ".socket", ".target",    ".device",
                                           ".mount",   ".swap",   ".automount", ".timer",
                                           ".path",    ".slice",  ".scope",     NULL};
    const char *dot = strrchr(name, '.');

    if (!dot || dot == name || name[0] == '@' || strlen(name) > MAX_NAME ||
        (!g_strv_contains(suffixes, dot) && berth_unit_kind_of(name) == BERTH_UNIT_KINDS))
        return false;
    for (const char *c = name; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr(":-_.\\@", *c))
            return false;
    return true;
}
