/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * "process" of the runtime configuration (config.md, Process). Names become the numbers that the
 * kernel uses, and all limits are checked, so that the launcher need not do so. Users and groups
 * given by name stay names, since only the image can resolve them. The result is part of the plan
 * and lives as long as the plan.
 */

#include "plan/plan.h"

#include <linux/ioprio.h>
#include <sched.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/resource.h>

/* Berth's own limits, below the kernel's: 65536 groups (setgroups(2)), and a quarter of the stack
 * limit for arguments and environment together (execve(2)). */
enum { MAX_GROUPS = 1024, MAX_LIST_BYTES = 4 * 1024 * 1024, MAX_PATH = 4096, DEFAULT_UMASK = 022 };

/* How many ignored capabilities are noted, for a message. */
enum { MAX_UNKNOWN_CAPABILITIES = 16 };

#define LIMIT(name)                                                                                \
    { #name, name }

static const struct {
    const char *name;
    int resource;
} limit_names[] = {
    LIMIT(RLIMIT_AS),     LIMIT(RLIMIT_CORE),   LIMIT(RLIMIT_CPU),        LIMIT(RLIMIT_DATA),
    LIMIT(RLIMIT_FSIZE),  LIMIT(RLIMIT_LOCKS),  LIMIT(RLIMIT_MEMLOCK),    LIMIT(RLIMIT_MSGQUEUE),
    LIMIT(RLIMIT_NICE),   LIMIT(RLIMIT_NOFILE), LIMIT(RLIMIT_NPROC),      LIMIT(RLIMIT_RSS),
    LIMIT(RLIMIT_RTPRIO), LIMIT(RLIMIT_RTTIME), LIMIT(RLIMIT_SIGPENDING), LIMIT(RLIMIT_STACK),
};

static const struct {
    const char *name;
    uint32_t policy;
    /* The names in config.md, "scheduler". Numbers are used for policies that <sched.h> may
     * lack. */
} policies[] = {
    {"SCHED_OTHER", SCHED_OTHER}, {"SCHED_FIFO", SCHED_FIFO}, {"SCHED_RR", SCHED_RR},
    {"SCHED_BATCH", SCHED_BATCH}, {"SCHED_ISO", 4},           {"SCHED_IDLE", SCHED_IDLE},
    {"SCHED_DEADLINE", 6},
};

static const struct {
    const char *name;
    uint64_t flag;
} scheduler_flags[] = {
    {"SCHED_FLAG_RESET_ON_FORK", 0x01},  {"SCHED_FLAG_RECLAIM", 0x02},
    {"SCHED_FLAG_DL_OVERRUN", 0x04},     {"SCHED_FLAG_KEEP_POLICY", 0x08},
    {"SCHED_FLAG_KEEP_PARAMS", 0x10},    {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40},
};

/* Looking for a duplicate among a hundred thousand would take seconds, before the caller's
 * permissions are known. The plan's pool owns the copy; the list that name comes from is freed
 * after reading. */
static void note_unknown(BerthPlan *plan, const char *name) {
    if (plan->unknown_capabilities->len >= MAX_UNKNOWN_CAPABILITIES ||
        g_ptr_array_find_with_equal_func(plan->unknown_capabilities, name, g_str_equal, NULL))
        return;
    char *copy = g_strdup(name);
    g_ptr_array_add(plan->pool, copy);
    g_ptr_array_add(plan->unknown_capabilities, copy);
}

/* A set of capabilities by name. An unknown name is not an error; the specification says to log it
 * (config.md, capabilities). */
static bool read_set(BerthPlan *plan, json_object *object, const char *member, uint64_t *bits,
                     GError **error) {
    g_auto(GStrv) names = NULL;

    if (!berth_document_get_strings(object, member, &names, error))
        return false;
    for (char **name = names; *name; name++) {
        cap_value_t value;
        /* In the kernel a set consists of two 32-bit words (capget(2)). */
        if (cap_from_name(*name, &value) < 0 || value > 63)
            note_unknown(plan, *name);
        else
            *bits |= 1ull << value;
    }
    return true;
}

/* A missing set is empty, and so are all sets without "capabilities". */
static bool read_capabilities(BerthPlan *plan, json_object *process, GError **error) {
    json_object *object;

    if (!berth_document_get_object(process, "capabilities", &object, error))
        return false;
    return !object || (read_set(plan, object, "bounding", &plan->bounding, error) &&
                       read_set(plan, object, "effective", &plan->effective, error) &&
                       read_set(plan, object, "permitted", &plan->permitted, error) &&
                       read_set(plan, object, "inheritable", &plan->inheritable, error) &&
                       read_set(plan, object, "ambient", &plan->ambient, error));
}

/* RLIM_INFINITY is beyond what a size may be, like every number that json-c limits to 64 bits or
 * that a writer has rounded to a double (1.8446744073709552e+19). -1 has the same meaning. */
static bool read_limit_value(json_object *object, const char *member, uint64_t *value,
                             GError **error) {
    json_object *number = json_object_object_get(object, member);

    if ((json_object_is_type(number, json_type_double) &&
         json_object_get_double(number) > (double)INT64_MAX) ||
        (json_object_is_type(number, json_type_int) &&
         (json_object_get_int64(number) < 0 || json_object_get_uint64(number) > INT64_MAX))) {
        *value = RLIM_INFINITY;
        return true;
    }
    return berth_document_get_size(object, member, value, error);
}

bool berth_plan_find_limit(const char *name, int *resource) {
    for (size_t i = 0; i < G_N_ELEMENTS(limit_names); i++)
        if (g_str_equal(limit_names[i].name, name)) {
            *resource = limit_names[i].resource;
            return true;
        }
    return false;
}

/* A limit that is given twice is an error (config.md, "rlimits"). */
static bool read_limit(BerthPlan *plan, json_object *object, GError **error) {
    BerthPlanLimit limit = {0};
    const char *name;

    if (!berth_document_get_string(object, "type", &name, error) ||
        !read_limit_value(object, "soft", &limit.soft, error) ||
        !read_limit_value(object, "hard", &limit.hard, error))
        return false;
    for (guint i = 0; i < plan->limits->len; i++)
        if (g_strcmp0(g_array_index(plan->limits, BerthPlanLimit, i).name, name) == 0)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "the limit %.100s is given twice", name);
    for (size_t i = 0; name && i < G_N_ELEMENTS(limit_names); i++)
        if (g_str_equal(limit_names[i].name, name)) {
            limit.name = limit_names[i].name;
            limit.resource = limit_names[i].resource;
            g_array_append_val(plan->limits, limit);
            return true;
        }
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "unknown limit \"%.100s\"",
                           name ? name : "");
}

static bool read_limits(BerthPlan *plan, json_object *process, GError **error) {
    json_object *array;

    if (!berth_document_get_objects(process, "rlimits", &array, error))
        return false;
    for (guint i = 0; array && i < json_object_array_length(array); i++)
        if (!read_limit(plan, json_object_array_get_idx(array, i), error))
            return false;
    return true;
}

/* UINT32_MAX is not an id: as (uid_t)-1 it means "do not change" to chown(2) and setresuid(2). */
static bool read_id(json_object *object, const char *member, uint32_t *id, GError **error) {
    uint64_t value;

    if (!berth_document_get_size(object, member, &value, error))
        return false;
    if (value >= UINT32_MAX)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "\"%s\" is not an ID", member);
    *id = (uint32_t)value;
    return true;
}

/* An array of numbers, for which base/document.h has no function. */
static bool read_groups(BerthPlan *plan, json_object *user, GError **error) {
    json_object *array;

    if (!berth_document_get_array(user, "additionalGids", &array, error))
        return false;
    for (guint i = 0; array && i < json_object_array_length(array); i++) {
        json_object *number = json_object_array_get_idx(array, i);
        gid_t gid;
        if (i >= MAX_GROUPS || !json_object_is_type(number, json_type_int) ||
            json_object_get_int64(number) < 0 || json_object_get_int64(number) >= UINT32_MAX)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "\"additionalGids\" is not a list of at most %d groups",
                                   MAX_GROUPS);
        gid = (gid_t)json_object_get_int64(number);
        g_array_append_val(plan->groups, gid);
    }
    return true;
}

/* A umask of 0 differs from none at all, so the member itself is looked up. */
static bool read_user(BerthPlan *plan, json_object *process, GError **error) {
    json_object *user;
    uint64_t umask;

    plan->umask = DEFAULT_UMASK;
    if (!berth_document_get_object(process, "user", &user, error))
        return false;
    if (!user)
        return true;
    if (!berth_document_get_string(user, "username", &plan->user, error) ||
        !berth_document_get_size(user, "umask", &umask, error) ||
        !read_id(user, "uid", &plan->uid, error) || !read_id(user, "gid", &plan->gid, error) ||
        !read_groups(plan, user, error) ||
        !berth_document_get_strings(user, "additionalGroups", &plan->group_names, error))
        return false;
    if (g_strv_length(plan->group_names) > MAX_GROUPS)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED, "more than %d groups",
                               MAX_GROUPS);
    if (json_object_object_get(user, "umask"))
        plan->umask = (mode_t)umask & 0777;
    return true;
}

/* The index of a class is its number in ioprio_set(2). 0, no class, cannot be requested. */
static bool read_io_priority(BerthPlan *plan, json_object *process, GError **error) {
    static const char *const classes[] = {"", "IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE",
                                          "IOPRIO_CLASS_IDLE"};
    json_object *object;
    const char *class;
    int64_t priority;

    if (!berth_document_get_object(process, "ioPriority", &object, error))
        return false;
    if (!object)
        return true;
    if (!berth_document_get_string(object, "class", &class, error) ||
        !berth_document_get_int(object, "priority", &priority, error))
        return false;
    for (int i = 1; i < (int)G_N_ELEMENTS(classes); i++)
        if (g_strcmp0(class, classes[i]) == 0 && priority >= 0 && priority <= 7) {
            plan->has_io_priority = true;
            plan->io_priority = IOPRIO_PRIO_VALUE(i, (int)priority);
            return true;
        }
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "\"ioPriority\": unknown class, or a priority that is not from 0 to 7");
}

static bool read_scheduler_flags(BerthPlan *plan, json_object *object, GError **error) {
    g_auto(GStrv) names = NULL;

    if (!berth_document_get_strings(object, "flags", &names, error))
        return false;
    for (char **name = names; *name; name++) {
        size_t i = 0;
        while (i < G_N_ELEMENTS(scheduler_flags) && !g_str_equal(scheduler_flags[i].name, *name))
            i++;
        if (i == G_N_ELEMENTS(scheduler_flags))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "unknown flag \"%.100s\" of the scheduler", *name);
        plan->scheduler.flags |= scheduler_flags[i].flag;
    }
    return true;
}

/* The ranges of sched_setattr(2). Whether a policy accepts the values is left to the kernel. */
static bool read_scheduler(BerthPlan *plan, json_object *process, GError **error) {
    json_object *object;
    const char *policy;
    int64_t nice, priority;

    if (!berth_document_get_object(process, "scheduler", &object, error))
        return false;
    if (!object)
        return true;
    if (!berth_document_get_string(object, "policy", &policy, error) ||
        !berth_document_get_int(object, "nice", &nice, error) ||
        !berth_document_get_int(object, "priority", &priority, error) ||
        !berth_document_get_size(object, "runtime", &plan->scheduler.runtime, error) ||
        !berth_document_get_size(object, "deadline", &plan->scheduler.deadline, error) ||
        !berth_document_get_size(object, "period", &plan->scheduler.period, error) ||
        !read_scheduler_flags(plan, object, error))
        return false;
    if (nice < -20 || nice > 19 || priority < 0 || priority > 99)
        return berth_error_set(
            error, BERTH_ERROR_INVALID_ARGUMENT,
            "\"scheduler\": \"nice\" is from -20 to 19, and \"priority\" from 0 to 99");
    for (size_t i = 0; policy && i < G_N_ELEMENTS(policies); i++)
        if (g_str_equal(policies[i].name, policy)) {
            plan->has_scheduler = true;
            plan->scheduler.policy = policies[i].policy;
            plan->scheduler.nice = (int32_t)nice;
            plan->scheduler.priority = (uint32_t)priority;
            return true;
        }
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "unknown policy \"%.100s\" of the scheduler", policy ? policy : "");
}

/* The range of /proc/PID/oom_score_adj (proc_pid_oom_score_adj(5)). */
static bool read_oom_score(BerthPlan *plan, json_object *process, GError **error) {
    int64_t score;

    if (!berth_document_get_int(process, "oomScoreAdj", &score, error))
        return false;
    if (score < -1000 || score > 1000)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "\"oomScoreAdj\" is not from -1000 to 1000");
    plan->has_oom_score = json_object_object_get(process, "oomScoreAdj") != NULL;
    plan->oom_score = (int)score;
    return true;
}

static bool read_console(BerthPlan *plan, json_object *process, GError **error) {
    json_object *size;

    if (!berth_document_get_bool(process, "terminal", &plan->terminal, error) ||
        !berth_document_get_object(process, "consoleSize", &size, error))
        return false;
    return !size || (berth_document_get_size(size, "height", &plan->rows, error) &&
                     berth_document_get_size(size, "width", &plan->columns, error));
}

static size_t count_bytes(char *const *list) {
    size_t bytes = 0;

    for (; *list; list++)
        bytes += strlen(*list) + 1;
    return bytes;
}

/* Lets Create refuse what execve(2) or chdir(2) would refuse only at the start. */
static bool check_process(const BerthPlan *plan, GError **error) {
    if (!plan->arguments[0])
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "\"args\" is empty");
    if (!plan->working_directory || plan->working_directory[0] != '/')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the working directory \"%.200s\" is not absolute",
                               plan->working_directory ? plan->working_directory : "");
    if (strlen(plan->working_directory) >= MAX_PATH)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the working directory is longer than %d bytes", MAX_PATH - 1);
    return count_bytes(plan->arguments) + count_bytes(plan->environment) <= MAX_LIST_BYTES ||
           berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "command and environment are longer than %d bytes", MAX_LIST_BYTES);
}

/* check_process() comes last, since it looks at all members. */
bool berth_plan_read_process(BerthPlan *plan, json_object *process, GError **error) {
    static const char *const unsupported[] = {"selinuxLabel", "commandLine", "execCPUAffinity",
                                              NULL};

    return berth_plan_refuse(process, "process.", unsupported, error) &&
           berth_document_get_strings(process, "args", &plan->arguments, error) &&
           berth_document_get_strings(process, "env", &plan->environment, error) &&
           berth_document_get_string(process, "cwd", &plan->working_directory, error) &&
           berth_document_get_bool(process, "noNewPrivileges", &plan->no_new_privileges, error) &&
           berth_document_get_string(process, "apparmorProfile", &plan->apparmor, error) &&
           read_console(plan, process, error) && read_user(plan, process, error) &&
           read_capabilities(plan, process, error) && read_limits(plan, process, error) &&
           read_oom_score(plan, process, error) && read_io_priority(plan, process, error) &&
           read_scheduler(plan, process, error) && check_process(plan, error);
}
