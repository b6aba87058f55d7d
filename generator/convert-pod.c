/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The unit of a .pod file, and what a .container gets through Pod=. The pod's service is dist pod
 * run in the foreground: it is active while the pod runs. Its containers are separate services
 * bound to it: they start after it, and systemd stops them before it, or when it ends by itself. A
 * pod does not name its containers; they name the pod, so its unit is made by looking through all
 * files.
 */

#include "generator/conversion.h"
#include "generator/translate.h"

#include <string.h>

/* Whether the file is a container of this pod that starts with it. A template is not: nothing says
 * which instances it has. */
static bool starts_with(const BerthUnitSource *source, const char *pod) {
    g_autofree char *name = berth_unit_source_get_pod(source);
    const BerthUnitLine *start = berth_unit_file_find(source->file, "Container", "StartWithPod");
    bool wanted = true;

    return g_strcmp0(name, pod) == 0 &&
           (!start || (berth_unit_line_get_boolean(start, &wanted) && wanted)) &&
           !strstr(source->name, "@.");
}

static void want_containers(const BerthConversion *conversion) {
    const GPtrArray *sources = conversion->set->sources;

    for (unsigned i = 0; i < sources->len; i++) {
        const BerthUnitSource *source = sources->pdata[i];
        if (!starts_with(source, conversion->source->name))
            continue;
        berth_service_add(conversion->service, "Unit", "Wants", source->service);
        berth_service_add(conversion->service, "Unit", "Before", source->service);
    }
}

/* Without ExitPolicy=, a pod ends with its last container, as in podman-systemd.unit(5); otherwise
 * its unit would stay active without a container. */
static void add_exit_policy(const BerthConversion *conversion, GPtrArray *words) {
    const BerthUnitLine *line = berth_conversion_find(conversion, "ExitPolicy");

    if (line && !g_str_equal(line->value, "stop") && !g_str_equal(line->value, "continue"))
        berth_unit_line_error(conversion->problems, line,
                              _("ExitPolicy= takes stop or continue, not \"%s\""), line->value);
    berth_conversion_add_option(words, "exit-policy", line ? line->value : "stop");
}

/* The pod itself mounts nothing: its unit only requires what its containers will mount. */
static void require_volumes(const BerthConversion *conversion) {
    g_autoptr(GPtrArray) unused = g_ptr_array_new_with_free_func(g_free);

    berth_convert_volumes(conversion, unused);
}

static bool is_stop_timeout(const BerthUnitLine *line) {
    return g_ascii_string_to_unsigned(line->value, 10, 0, G_MAXINT32, NULL, NULL);
}

/* It becomes an option of the containers: a mistake is reported here, once. */
static void check_stop_timeout(const BerthConversion *conversion) {
    const BerthUnitLine *line = berth_conversion_find(conversion, "StopTimeout");

    if (line && !is_stop_timeout(line))
        berth_unit_line_error(conversion->problems, line,
                              _("%s= takes a number of seconds, not \"%s\""), line->key,
                              line->value);
}

void berth_convert_pod(BerthConversion *conversion) {
    const char *name = conversion->source->resource;
    const BerthUnitLine *type = berth_unit_file_find(conversion->source->file, "Service", "Type");
    g_autoptr(GPtrArray) words = berth_conversion_new_command(conversion, "pod", "run", "--replace",
                                                              "--rm", "--cgroup=caller", NULL);
    g_autoptr(GPtrArray) remove =
        berth_conversion_new_command(conversion, "pod", "rm", "--force", "--ignore", name, NULL);

    check_stop_timeout(conversion);
    if (type && !g_str_equal(type->value, "notify"))
        berth_unit_line_error(conversion->problems, type, _("Type= can only be notify here"));
    want_containers(conversion);
    berth_conversion_set_default(conversion, "Type", "notify");
    berth_conversion_set_default(conversion, "Restart", "on-failure");
    berth_convert_service(conversion, NULL);
    berth_convert_check_users(conversion);
    add_exit_policy(conversion, words);
    require_volumes(conversion);
    berth_convert_networks(conversion, words);
    berth_conversion_add_keys(conversion, BERTH_VERB_POD_CREATE, words);
    g_ptr_array_add(words, g_strdup(name));
    berth_service_add_command(conversion->service, "ExecStart", "", words);
    /* If dist is killed, the pod may still exist. */
    berth_service_add_command(conversion->service, "ExecStopPost", "-", remove);
}

/* The service would refuse these keys in a container of a pod; reported here, the error has its
 * line. */
static void refuse_shared_keys(const BerthConversion *conversion) {
    static const char *const keys[] = {"AddHost",      "DNS",         "DNSOption", "DNSSearch",
                                       "HostName",     "IP",          "IP6",       "Network",
                                       "NetworkAlias", "PublishPort", "UserNS"};

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const BerthUnitLine *line = berth_conversion_find(conversion, keys[i]);
        if (line)
            berth_conversion_refuse(conversion, line, _("set it in the .pod file"));
    }
}

/* Volume= of a pod is mounted in each of its containers. Paths are relative to the pod's file. */
static void add_volumes_of_pod(const BerthConversion *conversion, BerthUnitSource *pod,
                               GPtrArray *words) {
    BerthConversion of_pod = *conversion;

    of_pod.source = pod;
    of_pod.section = berth_unit_kinds[BERTH_UNIT_POD].section;
    berth_convert_volumes(&of_pod, words);
}

/* The unit file of the pod that Pod= names; NULL if there is none. */
static BerthUnitSource *find_pod(const BerthConversion *conversion) {
    g_autofree char *name = berth_unit_source_get_pod(conversion->source);

    return name && berth_unit_kind_of(name) == BERTH_UNIT_POD
               ? berth_unit_set_find(conversion->set, name)
               : NULL;
}

/* Systemd stops the units of a pod's containers before the pod's own, so that the time of the pod
 * is that of each container that has none of its own. */
static char *get_stop_of_pod(const BerthUnitSource *pod) {
    const BerthUnitLine *stop =
        pod ? berth_unit_file_find(pod->file, berth_unit_kinds[BERTH_UNIT_POD].section,
                                   "StopTimeout")
            : NULL;

    return stop && is_stop_timeout(stop) ? berth_unit_line_get_text(stop) : NULL;
}

char *berth_convert_get_stop_timeout(const BerthConversion *conversion) {
    char *own = berth_conversion_get(conversion, "StopTimeout");

    return own ? own : get_stop_of_pod(find_pod(conversion));
}

/* BindsTo= with After= stops the container as soon as the pod's unit is no longer active
 * (systemd.unit(5)). */
void berth_convert_member(const BerthConversion *conversion, GPtrArray *words) {
    const BerthUnitLine *line = berth_conversion_find(conversion, "Pod");
    g_autofree char *name = berth_unit_source_get_pod(conversion->source);
    BerthUnitSource *pod = find_pod(conversion);
    g_autofree char *stop = get_stop_of_pod(pod);

    (void)berth_conversion_get_flag(conversion, "StartWithPod");
    if (!line)
        return;
    if (!pod || !pod->resource || !pod->service) {
        berth_unit_line_error(conversion->problems, line, _("%s=: there is no unit file %s"),
                              line->key, name);
        return;
    }
    refuse_shared_keys(conversion);
    berth_service_add(conversion->service, "Unit", "BindsTo", pod->service);
    berth_service_add(conversion->service, "Unit", "After", pod->service);
    berth_conversion_add_option(words, "pod", pod->resource);
    if (stop && !berth_conversion_find(conversion, "StopTimeout"))
        berth_conversion_add_option(words, "stop-timeout", stop);
    add_volumes_of_pod(conversion, pod, words);
}
