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

enum { MAX_FILE_BYTES = 1024 * 1024, MAX_PORTS = 1024 };

/* "512M", "1.5GiB", "100b": units are powers of 1024 however they are written. The bounds keep the
 * result within 64 bits. */
bool dist_parse_bytes(const char *text, uint64_t *bytes, GError **error) {
    static const char units[] = "KMGT";
    char *end;
    double value = g_ascii_strtod(text, &end);
    const char *unit = *end ? strchr(units, g_ascii_toupper(*end)) : NULL;

    for (const char *u = units; unit && u <= unit; u++)
        value *= 1024;
    end += unit != NULL;
    end += g_ascii_toupper(*end) == 'I';
    end += g_ascii_toupper(*end) == 'B';
    if (end == text || *end != '\0' || !(value >= 1 && value < 1e18))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("invalid amount of memory \"%s\"; use a form such as 512M"), text);
    *bytes = (uint64_t)value;
    return true;
}

/* Converts a number of processors to CPU time per second, systemd's CPUQuotaPerSecUSec. */
bool dist_parse_cpus(const char *text, uint64_t *usec, GError **error) {
    char *end;
    double value = g_ascii_strtod(text, &end);

    if (end == text || *end != '\0' || !(value > 0.0001 && value < 100000))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("invalid number of processors \"%s\""), text);
    *usec = (uint64_t)(value * G_USEC_PER_SEC);
    return true;
}

/* Reads the unit at *at and moves past it; the default is seconds. 0 if it is not a unit. */
static double read_time_unit(const char **at) {
    static const struct {
        const char *name;
        double usec;
    } units[] = {{"ms", 1e3}, {"us", 1}, {"h", 3600e6}, {"m", 60e6}, {"s", 1e6}};

    if (**at == '\0')
        return G_USEC_PER_SEC;
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
        if (g_str_has_prefix(*at, units[i].name)) {
            *at += strlen(units[i].name);
            return units[i].usec;
        }
    return 0;
}

/* In Go's format, as in podman and docker: "1h30m", "1.5s", "500ms", or a number of seconds. text
 * may be NULL, which yields 0. */
bool dist_parse_duration(const char *option, const char *text, uint64_t *usec, GError **error) {
    const char *at = text;
    double total = 0;

    if (at && at[0] == '-')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("%s %s: the number must not be negative"), option, text);
    while (at && *at) {
        char *end;
        double value = g_ascii_strtod(at, &end);
        bool is_number = end != at && value >= 0;
        at = end;
        double unit = is_number ? read_time_unit(&at) : 0;
        total += value * unit;
        if (unit <= 0 || !(total < 1e18))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   _("%s %s is not a time span; use a form such as 1m30s"), option,
                                   text);
    }
    *usec = (uint64_t)total;
    return true;
}

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

/* Whether the host has such a time zone. One without these files cannot tell. Names are relative,
 * and never lead out of the directory. */
static bool is_timezone(const char *zone) {
    static const char root[] = "/usr/share/zoneinfo";
    g_autofree char *path = g_build_filename(root, zone, NULL);

    if (!zone[0] || zone[0] == '/' || strstr(zone, "..") || strpbrk(zone, " =\n"))
        return false;
    return !g_file_test(root, G_FILE_TEST_IS_DIR) || g_file_test(path, G_FILE_TEST_IS_REGULAR);
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
    else if (!is_timezone(zone))
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

/* Reads "8000-8002", or "80" as a range of one. */
static bool run_read_port_range(const char *text, guint64 *first, guint64 *last) {
    g_auto(GStrv) ends = g_strsplit(text, "-", 2);

    return ends[0] && g_ascii_string_to_unsigned(ends[0], 10, 1, 65535, first, NULL) &&
           g_ascii_string_to_unsigned(ends[1] ? ends[1] : ends[0], 10, *first, 65535, last, NULL);
}

/* Appends a port or, for a range, each of its ports. The last colon separates host and container
 * ports, since an IPv6 address has colons as well. If no host port is given, the service chooses
 * one: 0. */
static bool expand_port(GPtrArray *list, const char *port, GError **error) {
    g_auto(GStrv) halves = g_strsplit(port, "/", 2);
    const char *whole = halves[0] ? halves[0] : "";
    const char *colon = strrchr(whole, ':');
    const char *container = colon ? colon + 1 : whole;
    g_autofree char *outer = g_strndup(whole, colon ? (gsize)(colon - whole) : 0);
    char *host = strrchr(outer, ':') ? strrchr(outer, ':') + 1 : outer;
    g_autofree char *address = g_strndup(outer, (gsize)(host - outer));
    bool any = host[0] == '\0';
    guint64 first = 0, last, inner, inner_last;

    /* The service checks a single port. */
    if (!strchr(port, '-')) {
        g_ptr_array_add(list, g_strconcat(address, any ? "0" : host, ":", container,
                                          halves[0] && halves[1] ? "/" : NULL, halves[1], NULL));
        return true;
    }
    if (!run_read_port_range(container, &inner, &inner_last) ||
        !(any || run_read_port_range(host, &first, &last)) ||
        (!any && last - first != inner_last - inner) ||
        list->len + (inner_last - inner) > MAX_PORTS)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("--publish %s: the ranges must have the same length, at most "
                                 "%d ports in all"),
                               port, MAX_PORTS);
    for (guint64 i = 0; i <= inner_last - inner; i++)
        g_ptr_array_add(list, g_strdup_printf("%s%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT "%s%s",
                                              address, any ? 0 : first + i, inner + i,
                                              halves[1] ? "/" : "", halves[1] ? halves[1] : ""));
    return true;
}

char **dist_expand_ports(char *const *ports, GError **error) {
    g_autoptr(GPtrArray) list = g_ptr_array_new();

    for (; ports && *ports; ports++)
        if (!expand_port(list, *ports, error))
            return NULL;
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
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
