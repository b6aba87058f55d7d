/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses the values of options, above all those of create and run. No state is kept: the caller
 * owns the results.
 */

#include "client/run-values.h"

#include "base/document.h"
#include "base/fd.h"
#include "base/limits.h"
#include "client/settings.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { MAX_FILE_BYTES = 1024 * 1024 };

/* As podman and docker write times: 2024-01-31T10:00:00Z. Without a zone, it is a local time. */
static bool read_iso_time(const char *text, uint64_t *usec) {
    g_autoptr(GTimeZone) local = g_time_zone_new_local();
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, local);

    if (!time || g_date_time_to_unix(time) < 0)
        return false;
    *usec = (uint64_t)g_date_time_to_unix(time) * G_USEC_PER_SEC +
            (uint64_t)g_date_time_get_microsecond(time);
    return true;
}

bool dist_parse_time(const char *text, uint64_t *usec, GError **error) {
    static const char label[] = "UNIX seconds: @";
    const char *const arguments[] = {"systemd-analyze", "timestamp", "--", text, NULL};
    g_autofree char *output = NULL;
    uint64_t before = 0;
    int status = -1;

    /* As in podman and docker, a duration alone means that long ago. */
    if (g_ascii_isdigit(text[0]) && g_ascii_isalpha(text[strlen(text) - 1]) &&
        dist_parse_duration("", text, &before, NULL)) {
        *usec = (uint64_t)g_get_real_time() - MIN(before, (uint64_t)g_get_real_time());
        return true;
    }
    if (read_iso_time(text, usec))
        return true;
    if (!g_spawn_sync(NULL, (char **)arguments, NULL,
                      G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output, NULL,
                      &status, NULL))
        return berth_error_set(error, BERTH_ERROR_INTERNAL, "%s", _("run systemd-analyze"));
    const char *found = status == 0 ? strstr(output, label) : NULL;
    if (!found)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("\"%s\" is not a time"),
                               text);
    *usec = (uint64_t)(g_ascii_strtod(found + strlen(label), NULL) * 1e6);
    return true;
}

/* A profile is a name, a JSON text, or a file with such a text: a file is read here, with the
 * caller's rights. A word that is neither a known name nor a file is passed to the service
 * unchanged. */
char *dist_read_seccomp(const char *profile, GError **error) {
    static const char *const names[] = {"default", "unconfined", NULL};

    if (!profile || profile[0] == '{' || g_strv_contains(names, profile) ||
        (!strchr(profile, '/') && access(profile, F_OK) < 0))
        return g_strdup(profile);
    berth_autofd int file = open(profile, O_RDONLY | O_CLOEXEC);
    size_t size;
    if (file < 0)
        return berth_error_set_errno(error, errno, "%s", profile), NULL;
    char *text = berth_fd_read_stream(file, BERTH_MAX_DOCUMENT_BYTES, &size, error);
    return text ? g_strchug(text) : NULL;
}

/* NAME alone takes its value from dist's environment, and is omitted if it is not set there. */
void dist_add_variable(GPtrArray *list, const char *variable) {
    const char *value = strchr(variable, '=') ? NULL : g_getenv(variable);

    if (strchr(variable, '='))
        g_ptr_array_add(list, g_strdup(variable));
    else if (value)
        g_ptr_array_add(list, g_strconcat(variable, "=", value, NULL));
}

void dist_add_host_environment(GPtrArray *list) {
    g_auto(GStrv) environment = g_get_environ();

    for (char **variable = environment; *variable; variable++)
        g_ptr_array_add(list, g_strdup(*variable));
}

void dist_add_proxies(GPtrArray *list) {
    static const char *const names[] = {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
                                        "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        dist_add_variable(list, names[i]);
}

/* "local" is the time zone that /etc/localtime links to (localtime(5)); UTC if there is no such
 * link. */
bool dist_add_timezone(GPtrArray *list, const char *zone, GError **error) {
    static const char directory[] = "/zoneinfo/";
    bool is_local = g_str_equal(zone, "local");
    g_autofree char *link = is_local ? g_file_read_link("/etc/localtime", NULL) : NULL;
    const char *local = link ? strstr(link, directory) : NULL;

    /* As with podman, an empty value is none. */
    if (!zone[0])
        return true;
    if (is_local)
        zone = local ? local + strlen(directory) : "UTC";
    else if (!dist_is_timezone(zone))
        return berth_error_set(
            error, BERTH_ERROR_INVALID_ARGUMENT,
            _("unknown time zone \"%s\"; \"timedatectl list-timezones\" lists them"), zone);
    g_ptr_array_add(list, g_strconcat("TZ=", zone, NULL));
    return true;
}

static char **read_lines(const char *file, GError **error) {
    berth_autofd int fd = open(file, O_RDONLY | O_CLOEXEC);
    size_t size;

    if (fd < 0)
        return berth_error_set_errno(error, errno, "%s", file), NULL;
    g_autofree char *text = berth_fd_read_stream(fd, MAX_FILE_BYTES, &size, error);
    if (!text)
        g_prefix_error(error, "%s: ", file);
    return text ? g_strsplit(text, "\n", -1) : NULL;
}

/* Empty lines and those that begin with "#" are skipped. */
static bool add_lines(GPtrArray *list, const char *file, bool are_variables, GError **error) {
    g_auto(GStrv) lines = read_lines(file, error);

    for (char **line = lines; line && *line; line++) {
        const char *text = g_strchug(*line);
        if (text[0] == '\0' || text[0] == '#')
            continue;
        if (are_variables)
            dist_add_variable(list, text);
        else
            g_ptr_array_add(list, g_strdup(text));
    }
    return lines != NULL;
}

/* "-" before the path: the file may be missing, as in EnvironmentFile= of systemd.exec(5). */
bool dist_add_variables_of_file(GPtrArray *list, const char *file, GError **error) {
    bool optional = file[0] == '-' && file[1] != '\0';

    if (optional && access(file + 1, F_OK) < 0 && errno == ENOENT)
        return true;
    return add_lines(list, file + optional, true, error);
}

bool dist_add_lines_of_file(GPtrArray *list, const char *file, GError **error) {
    return add_lines(list, file, false, error);
}

/* What images call the architectures (image-index.md, GOARCH). */
static const char *find_architecture(const char *machine) {
    static const struct {
        const char *machine, *name;
    } names[] = {{"x86_64", "amd64"}, {"aarch64", "arm64"},  {"i686", "386"},
                 {"armv7l", "arm"},   {"armv6l", "arm"},     {"ppc64le", "ppc64le"},
                 {"s390x", "s390x"},  {"riscv64", "riscv64"}};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_str_equal(names[i].machine, machine))
            return names[i].name;
    return machine;
}

char *dist_get_platform(void) {
    struct utsname system;
    const char *architecture = uname(&system) == 0 ? find_architecture(system.machine) : NULL;

    return g_strconcat("linux/", architecture ? architecture : "", NULL);
}

/* The variant is not compared: uname(2) does not report it for all architectures. */
bool dist_check_platform(const char *platform, GError **error) {
    g_auto(GStrv) parts = g_strsplit(platform, "/", 3);
    struct utsname system;

    if (uname(&system) < 0)
        return berth_error_set_errno(error, errno, "uname");
    const char *own = find_architecture(system.machine);
    const char *given = parts[0] && parts[1] ? parts[1] : parts[0];
    bool is_linux = !parts[1] || g_str_equal(parts[0], "linux");
    return (is_linux && g_strcmp0(given, own) == 0) ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           _("--platform=%s is not supported: a container runs this machine's "
                             "platform, linux/%s"),
                           platform, own);
}

/* "all", or "device=NAME,…" with or without docker's quotes, or the full name of a CDI device.
 * podman takes a number as the name of a GPU, docker as the number of GPUs. */
bool dist_add_gpus(char ***devices, const char *text, GError **error) {
    g_autofree char *plain = g_strdup(text);
    g_strdelimit(plain, "\"'", ' ');
    g_strstrip(plain);
    bool is_list = g_str_has_prefix(plain, "device=");
    g_auto(GStrv) names = g_strsplit(is_list ? plain + strlen("device=") : plain, ",", -1);

    if (!is_list && strspn(plain, "0123456789") == strlen(plain))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("--gpus %s: name the GPUs, such as device=0"), text);
    for (char **name = names; *name; name++) {
        bool is_full = strchr(*name, '/') != NULL;
        if (!is_full && (!**name || strchr(*name, '=')))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   _("invalid value \"%s\" of %s"), text, "--gpus");
        dist_option_add_to_list(devices,
                                g_strconcat(is_full ? "" : "nvidia.com/gpu=", *name, NULL));
    }
    return true;
}
