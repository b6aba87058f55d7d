/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options of create and run about the attributes of the container's process, and about its startup
 * check. Values are kept here as given, and become options of Create in dist_run_process_append().
 */

#include "client/run-process.h"

#include "base/document.h"
#include "client/run-values.h"

#include <errno.h>
#include <string.h>

static struct {
    char *entrypoint, *umask, *score, *personality;
    char **groups, **unset, **annotations, **sysctls, **log_options;
    gboolean init, unset_all;
} given;

static struct {
    char *command, *interval, *timeout;
    gint64 retries, successes;
} startup;

const DistOption dist_run_process_options[] = {
    {"entrypoint", 0, DIST_OPTION_TEXT, &given.entrypoint,
     N_("Run a program, or a JSON list, instead of the image's entry point and command"),
     N_("COMMAND")},
    {"init", 0, DIST_OPTION_FLAG, &given.init,
     N_("Run a small init, which passes on signals and reaps orphans"), NULL},
    {"unsetenv", 0, DIST_OPTION_LIST, &given.unset, N_("Omit a variable of the image"), N_("NAME")},
    {"unsetenv-all", 0, DIST_OPTION_FLAG, &given.unset_all, N_("Omit all variables of the image"),
     NULL},
    {"group-add", 0, DIST_OPTION_LIST, &given.groups, N_("Add a supplementary group of the user"),
     N_("GROUP")},
    {"umask", 0, DIST_OPTION_TEXT, &given.umask,
     N_("Set the file mode creation mask; 0022 if not given"), N_("MODE")},
    {"oom-score-adj", 0, DIST_OPTION_TEXT, &given.score,
     N_("Set the OOM score adjustment, -1000 to 1000"), N_("NUMBER")},
    {"personality", 0, DIST_OPTION_TEXT, &given.personality,
     N_("Set the personality: LINUX or "
        "LINUX32"),
     N_("NAME")},
    {"annotation", 0, DIST_OPTION_LIST, &given.annotations,
     N_("Add an annotation to its OCI configuration"), N_("KEY=VALUE")},
    {"sysctl", 0, DIST_OPTION_LIST, &given.sysctls,
     N_("Set a kernel parameter of the container's namespaces"), N_("NAME=VALUE")},
    {"log-opt", 0, DIST_OPTION_LIST, &given.log_options,
     N_("Set the identifier of its output in the journal; the ID if not given"), N_("tag=NAME")},
    DIST_OPTION_END,
};

const DistOption dist_run_startup_options[] = {
    {"health-startup-cmd", 0, DIST_OPTION_TEXT, &startup.command,
     N_("Run this check first, until it succeeds"), N_("COMMAND")},
    {"health-startup-interval", 0, DIST_OPTION_TEXT, &startup.interval,
     N_("Set the time between two startup checks; 30s if not given"), N_("TIME")},
    {"health-startup-timeout", 0, DIST_OPTION_TEXT, &startup.timeout,
     N_("Limit the time of a startup check; 30s if not given"), N_("TIME")},
    {"health-startup-retries", 0, DIST_OPTION_NUMBER, &startup.retries,
     N_("Number of failures that make it unhealthy; unlimited if not given"), N_("NUMBER")},
    {"health-startup-success", 0, DIST_OPTION_NUMBER, &startup.successes,
     N_("Number of successes in a row that end the startup; 1 if not given"), N_("NUMBER")},
    DIST_OPTION_END,
};

static int fail_process_option(GError **error, const char *option, const char *value) {
    berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("invalid value \"%s\" of %s"), value,
                    option);
    return -EINVAL;
}

/* As in podman-run(1): a program, or a JSON array of words. A single empty string means no entry
 * point. */
static int append_entrypoint(sd_bus_message *call, GError **error) {
    char *alone[] = {given.entrypoint, NULL};
    g_auto(GStrv) words = NULL;

    if (!given.entrypoint)
        return 0;
    if (given.entrypoint[0] != '[')
        return dist_append_strings(call, "Entrypoint", alone);
    /* berth_document_parse() only takes objects, so the array becomes a member of one. */
    g_autofree char *text = g_strdup_printf("{\"words\":%s}", given.entrypoint);
    g_autoptr(json_object) object = berth_document_parse(text, strlen(text), NULL);
    if (!object || !berth_document_get_strings(object, "words", &words, NULL) || !words[0])
        return fail_process_option(error, "--entrypoint", given.entrypoint);
    return dist_append_strings(call, "Entrypoint", words);
}

/* keep-groups passes on the groups of podman's own process (podman-run(1)). A container of Berth's
 * is not a child of its caller, so the option is refused rather than ignored. */
static int append_groups(sd_bus_message *call, GError **error) {
    for (char **group = given.groups; group && *group; group++)
        if (g_str_equal(*group, "keep-groups")) {
            berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                            _("--group-add=keep-groups is not supported: the container's user is "
                              "not the caller"));
            return -EOPNOTSUPP;
        }
    return dist_append_strings(call, "Groups", given.groups);
}

/* Octal, with or without a leading 0, as for umask(1). Not giving it differs from giving 0. */
static int append_umask(sd_bus_message *call, GError **error) {
    uint64_t mask;

    if (!given.umask)
        return 0;
    return g_ascii_string_to_unsigned(given.umask, 8, 0, 0777, &mask, NULL)
               ? sd_bus_message_append(call, "{sv}", "Umask", "t", mask)
               : fail_process_option(error, "--umask", given.umask);
}

static int append_score(sd_bus_message *call, GError **error) {
    gint64 score;

    if (!given.score)
        return 0;
    return g_ascii_string_to_signed(given.score, 10, -1000, 1000, &score, NULL)
               ? sd_bus_message_append(call, "{sv}", "OOMScoreAdjust", "i", (int)score)
               : fail_process_option(error, "--oom-score-adj", given.score);
}

static int append_unset(sd_bus_message *call) {
    char *all[] = {(char *)"*", NULL};

    return dist_append_strings(call, "UnsetEnv", given.unset_all ? all : given.unset);
}

/* podman's and docker's other options are about log files. */
static const struct {
    const char *name, *reason;
} refused_log_options[] = {
    {"path", N_("output is written to the journal; see \"dist logs\"")},
    {"max-size", N_("the journal has its own limits; see journald.conf(5)")},
    {"max-file", N_("the journal has its own limits; see journald.conf(5)")},
    {"compress", N_("the journal has its own limits; see journald.conf(5)")},
    {"mode", N_("the journal never blocks a container")},
    {"max-buffer-size", N_("the journal never blocks a container")},
};

static bool refuse_log_option(const char *option, GError **error) {
    g_autofree char *name = g_strndup(option, strcspn(option, "="));

    for (size_t i = 0; i < G_N_ELEMENTS(refused_log_options); i++)
        if (g_str_equal(refused_log_options[i].name, name))
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   _("--log-opt=%s is not supported: %s"), name,
                                   _(refused_log_options[i].reason));
    return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           _("--log-opt=%s is not supported: only tag=NAME is"), name);
}

/* The last tag wins. podman and docker expand templates in it, which would need the new container's
 * id. */
static int append_log_tag(sd_bus_message *call, GError **error) {
    const char *tag = NULL;

    for (char **option = given.log_options; option && *option; option++) {
        if (!g_str_has_prefix(*option, "tag="))
            return refuse_log_option(*option, error), -EOPNOTSUPP;
        tag = *option + strlen("tag=");
    }
    if (tag && strstr(tag, "{{")) {
        berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                        _("--log-opt=tag: templates are not supported; without a tag, the ID is "
                          "used"));
        return -EOPNOTSUPP;
    }
    return tag ? sd_bus_message_append(call, "{sv}", "LogTag", "s", tag) : 0;
}

/* option: for the error message. */
static int append_map(sd_bus_message *call, const char *key, const char *option,
                      char *const *assignments, GError **error) {
    for (char *const *assignment = assignments; assignment && *assignment; assignment++)
        if (!strchr(*assignment, '='))
            return fail_process_option(error, option, *assignment);
    return assignments ? dist_append_labels(call, key, assignments) : 0;
}

static int append_startup(sd_bus_message *call, GError **error) {
    const char *shell[] = {"CMD-SHELL", startup.command, NULL};
    uint64_t interval = 0, timeout = 0;
    int r;

    if (startup.retries < 0 || startup.successes < 0)
        return fail_process_option(error, "--health-startup-retries, --health-startup-success",
                                   "-1");
    if (!dist_parse_duration("--health-startup-interval", startup.interval, &interval, error) ||
        !dist_parse_duration("--health-startup-timeout", startup.timeout, &timeout, error))
        return -EINVAL;
    if (startup.command &&
        (r = dist_append_strings(call, "HealthStartupCommand", (char *const *)shell)) < 0)
        return r;
    if (!startup.command && (interval || timeout || startup.retries || startup.successes)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("there is no startup check; use --health-startup-cmd"));
        return -EINVAL;
    }
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        {"HealthStartupIntervalUSec", interval},
        {"HealthStartupTimeoutUSec", timeout},
        {"HealthStartupRetries", (uint64_t)startup.retries},
        {"HealthStartupSuccesses", (uint64_t)startup.successes},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (numbers[i].value > 0 &&
            (r = sd_bus_message_append(call, "{sv}", numbers[i].key, "t", numbers[i].value)) < 0)
            return r;
    return 0;
}

int dist_run_process_append(sd_bus_message *call, GError **error) {
    int r;

    if ((r = append_entrypoint(call, error)) < 0 || (r = append_groups(call, error)) < 0 ||
        (r = append_umask(call, error)) < 0 || (r = append_score(call, error)) < 0 ||
        (r = append_unset(call)) < 0 || (r = append_log_tag(call, error)) < 0 ||
        (given.init && (r = sd_bus_message_append(call, "{sv}", "Init", "b", 1)) < 0) ||
        (given.personality &&
         (r = sd_bus_message_append(call, "{sv}", "Personality", "s", given.personality)) < 0) ||
        (r = append_map(call, "Annotations", "--annotation", given.annotations, error)) < 0 ||
        (r = append_map(call, "Sysctls", "--sysctl", given.sysctls, error)) < 0)
        return r;
    return append_startup(call, error);
}
