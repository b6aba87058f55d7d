/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Platforms are created once and never changed; the caller owns them. Variants are ordered: a
 * machine runs programs built for an older variant and, if there is nothing better, those of the
 * 32-bit architecture that its processors also have.
 */

#include "base/platform.h"

#include <string.h>
#include <sys/utsname.h>

static const struct {
    const char *machine, *architecture, *variant;
} machines[] = {
    {"x86_64", "amd64", ""},        {"aarch64", "arm64", "v8"}, {"armv7l", "arm", "v7"},
    {"armv6l", "arm", "v6"},        {"i686", "386", ""},        {"i386", "386", ""},
    {"ppc64le", "ppc64le", ""},     {"s390x", "s390x", ""},     {"riscv64", "riscv64", ""},
    {"loongarch64", "loong64", ""}, {"mips64", "mips64le", ""},
};

BerthPlatform *berth_platform_new(const char *os, const char *architecture, const char *variant) {
    BerthPlatform *platform = g_new0(BerthPlatform, 1);

    platform->os = g_strdup(os ? os : "");
    platform->architecture = g_strdup(architecture ? architecture : "");
    platform->variant = g_strdup(variant ? variant : "");
    return platform;
}

void berth_platform_free(BerthPlatform *platform) {
    if (!platform)
        return;
    g_free(platform->os);
    g_free(platform->architecture);
    g_free(platform->variant);
    g_free(platform);
}

/* Converts the kernel's machine name (uname(2)) to the OCI image specification's, which is Go's; a
 * name that is not in the table is used as it is. */
static BerthPlatform *platform_of_this_machine(void) {
    struct utsname names;

    if (uname(&names) == 0)
        for (size_t i = 0; i < G_N_ELEMENTS(machines); i++)
            if (g_str_equal(machines[i].machine, names.machine))
                return berth_platform_new("linux", machines[i].architecture, machines[i].variant);
    return berth_platform_new("linux", names.machine, "");
}

/* Names that are not the specification's but are in use, as containerd translates them. */
static const char *normalize_architecture(const char *architecture) {
    static const char *const aliases[][2] = {
        {"x86_64", "amd64"}, {"x86-64", "amd64"}, {"aarch64", "arm64"}, {"i386", "386"}};

    for (size_t i = 0; i < G_N_ELEMENTS(aliases); i++)
        if (g_str_equal(architecture, aliases[i][0]))
            return aliases[i][1];
    return architecture;
}

BerthPlatform *berth_platform_parse(const char *text, GError **error) {
    if (!text || text[0] == '\0')
        return platform_of_this_machine();

    g_auto(GStrv) parts = g_strsplit(text, "/", -1);
    guint count = g_strv_length(parts);
    bool well_formed = count >= 2 && count <= 3 && strlen(text) < 128;
    for (guint i = 0; well_formed && i < count; i++) {
        well_formed = g_ascii_isalnum(parts[i][0]);
        for (const char *c = parts[i]; well_formed && *c; c++)
            well_formed = g_ascii_isalnum(*c) || strchr("_.-", *c);
    }
    if (!well_formed) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        "invalid platform \"%.100s\": write it as os/architecture or "
                        "os/architecture/variant, as in linux/arm64/v8",
                        text);
        return NULL;
    }
    return berth_platform_new(parts[0], normalize_architecture(parts[1]), parts[2]);
}

char *berth_platform_format(const BerthPlatform *platform) {
    return g_strconcat(platform->os, "/", platform->architecture, platform->variant[0] ? "/" : NULL,
                       platform->variant, NULL);
}

typedef struct {
    unsigned major, minor;
} Version;

/* Versions of instruction sets have one digit; larger ones are limited so that they fit a score. */
enum { MAX_VERSION = 99, SCORE_MAJOR = MAX_VERSION + 1, ARM_OLDEST = 5, ARM_LATEST_32 = 8 };

static unsigned read_version_number(const char *digits, char **end) {
    return (unsigned)MIN(g_ascii_strtoull(digits, end, 10), MAX_VERSION);
}

/* "v8" and "8" → 8.0, "v8.2" → 8.2; without a variant, the customary one of the architecture. */
static Version read_version(const char *architecture, const char *variant) {
    const char *number = variant + (variant[0] == 'v');
    Version version = {g_str_equal(architecture, "arm64") ? 8
                       : g_str_equal(architecture, "arm") ? 7
                                                          : 1,
                       0};

    if (g_ascii_isdigit(number[0])) {
        char *end = NULL;
        version.major = read_version_number(number, &end);
        if (end[0] == '.' && g_ascii_isdigit(end[1]))
            version.minor = read_version_number(end + 1, &end);
    }
    return version;
}

/* A machine runs programs built for an older variant, never for a newer one. The version 9.0 of
 * arm64 includes 8.5, 9.1 includes 8.6, and so on. */
static bool version_includes(Version able, Version needed, bool is_arm64) {
    if (is_arm64 && able.major == 9 && needed.major == 8)
        return needed.minor <= able.minor + 5;
    return needed.major == able.major ? needed.minor <= able.minor : needed.major < able.major;
}

/* Processors that run programs of another architecture, too: those for 386 on amd64, and those of
 * 32-bit arm on arm64, from the latest variant on. This is containerd's and docker's order. */
static unsigned match_foreign(const char *wanted, const char *offered, Version needed) {
    if (g_str_equal(wanted, "amd64") && g_str_equal(offered, "386"))
        return 1;
    if (g_str_equal(wanted, "arm64") && g_str_equal(offered, "arm") && needed.minor == 0 &&
        needed.major >= ARM_OLDEST && needed.major <= ARM_LATEST_32)
        return 1 + needed.major - ARM_OLDEST;
    return 0;
}

unsigned berth_platform_match(const BerthPlatform *wanted, const BerthPlatform *offered) {
    const char *architecture = normalize_architecture(wanted->architecture);
    const char *other = normalize_architecture(offered->architecture);
    Version able = read_version(architecture, wanted->variant);
    Version needed = read_version(other, offered->variant);

    if (!g_str_equal(wanted->os, offered->os))
        return 0;
    if (!g_str_equal(architecture, other))
        return match_foreign(architecture, other, needed);
    /* A major version more than every score of a foreign architecture. */
    return version_includes(able, needed, g_str_equal(architecture, "arm64"))
               ? (1 + needed.major) * SCORE_MAJOR + needed.minor
               : 0;
}
