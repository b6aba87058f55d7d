/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Turns a profile (config-linux.md, Seccomp) into a libseccomp context, and that into a program.
 * The caller releases the context and frees the program. A system call that libseccomp does not
 * know is skipped. Anything else that is not understood is an error, because ignoring it would
 * yield a different filter from the one that was written.
 */

#include "seccomp/filter.h"

#include "base/document.h"
#include "base/fd.h"
#include "base/limits.h"
#include "config.h"
#include "seccomp/filter-conditions.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* In linux/seccomp.h since Linux 5.19. */
#define FLAG_WAIT_KILLABLE_RECV (1u << 5)

/* The launcher passes the listener on with this call, after the filter has been loaded. */
#define HANDS_OVER "sendmsg"

enum { MAX_ARGUMENTS = 6 };

static const struct {
    const char *name;
    uint32_t action;
    bool with_errno;
} actions[] = {
    {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW, false},
    {"SCMP_ACT_ERRNO", 0, true},
    {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD, false},
    {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD, false},
    {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS, false},
    {"SCMP_ACT_LOG", SCMP_ACT_LOG, false},
    {"SCMP_ACT_TRAP", SCMP_ACT_TRAP, false},
    {"SCMP_ACT_TRACE", 1, true},
    {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY, false},
};

static const struct {
    const char *name;
    unsigned flag;
} flags[] = {
    {"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", FLAG_WAIT_KILLABLE_RECV},
};

static const struct {
    const char *name;
    enum scmp_compare operation;
} operations[] = {
    {"SCMP_CMP_NE", SCMP_CMP_NE},
    {"SCMP_CMP_LT", SCMP_CMP_LT},
    {"SCMP_CMP_LE", SCMP_CMP_LE},
    {"SCMP_CMP_EQ", SCMP_CMP_EQ},
    {"SCMP_CMP_GE", SCMP_CMP_GE},
    {"SCMP_CMP_GT", SCMP_CMP_GT},
    {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};

static bool read_action(json_object *object, const char *member, const char *errno_member,
                        uint32_t *action, GError **error) {
    const char *name;
    uint64_t errnum;

    if (!berth_document_get_string(object, member, &name, error) ||
        !berth_document_get_size(object, errno_member, &errnum, error))
        return false;
    /* The default is EPERM (config-linux.md). The kernel uses 16 bits (SECCOMP_RET_DATA). */
    if (!json_object_object_get(object, errno_member))
        errnum = EPERM;
    for (size_t i = 0; name && i < G_N_ELEMENTS(actions); i++)
        if (g_str_equal(actions[i].name, name)) {
            *action = !actions[i].with_errno   ? actions[i].action
                      : actions[i].action == 0 ? SCMP_ACT_ERRNO(errnum & 0xffff)
                                               : SCMP_ACT_TRACE(errnum & 0xffff);
            return true;
        }
    return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           "seccomp: the %s \"%.100s\" is not supported", member, name ? name : "");
}

/* All 64 bits of an argument can be compared, while a size has 63. A number beyond them has the
 * value to which json-c limits it, the largest. */
static bool read_value(json_object *object, const char *member, uint64_t *value, GError **error) {
    json_object *number = json_object_object_get(object, member);

    if (!json_object_is_type(number, json_type_int) || json_object_get_uint64(number) <= INT64_MAX)
        return berth_document_get_size(object, member, value, error);
    *value = json_object_get_uint64(number);
    return true;
}

/* valueTwo is compared with the masked argument, and is used only by SCMP_CMP_MASKED_EQ
 * (config-linux.md, "args"). */
static bool filter_read_argument(json_object *object, struct scmp_arg_cmp *argument,
                                 GError **error) {
    uint64_t index, value, second;
    const char *name;

    if (!berth_document_get_size(object, "index", &index, error) ||
        !read_value(object, "value", &value, error) ||
        !read_value(object, "valueTwo", &second, error) ||
        !berth_document_get_string(object, "op", &name, error))
        return false;
    for (size_t i = 0; name && index < MAX_ARGUMENTS && i < G_N_ELEMENTS(operations); i++)
        if (g_str_equal(operations[i].name, name)) {
            *argument =
                (struct scmp_arg_cmp){(unsigned)index, operations[i].operation, value, second};
            return true;
        }
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "seccomp: an invalid argument");
}

static bool note_action(BerthFilter *filter, uint32_t action, char **names, GError **error) {
    if (action != SCMP_ACT_NOTIFY)
        return true;
    /* A supervisor cannot decide about the very call by which it receives the listener: the
     * launcher would wait forever. */
    if (g_strv_contains((const char *const *)names, HANDS_OVER))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "seccomp: SCMP_ACT_NOTIFY is not supported for " HANDS_OVER
                               ", which hands the listener over");
    filter->notifies = true;
    return true;
}

static bool has_argument_twice(const struct scmp_arg_cmp *arguments, guint count) {
    unsigned seen = 0;

    for (guint i = 0; i < count; i++) {
        if (seen & 1u << arguments[i].arg)
            return true;
        seen |= 1u << arguments[i].arg;
    }
    return false;
}

/* All conditions of a rule must hold, except that libseccomp does not accept two conditions on the
 * same argument. In that case each becomes a separate rule, as in runc and crun, since that is what
 * old profiles mean. */
static bool add_call(BerthFilter *filter, const char *name, uint32_t action,
                     const struct scmp_arg_cmp *arguments, guint count, GError **error) {
    int number = seccomp_syscall_resolve_name(name);
    guint step = has_argument_twice(arguments, count) ? 1 : MAX(count, 1);

    if (number == __NR_SCMP_ERROR)
        return true;
    for (guint i = 0; i < MAX(count, 1); i += step) {
        int r = seccomp_rule_add_array(filter->context, action, number, MIN(step, count),
                                       arguments + i);
        /* EACCES: the rule has the default action. EDOM: the call does not exist on this
         * architecture. */
        if (r < 0 && r != -EACCES && r != -EDOM && r != -EEXIST)
            return berth_error_set_errno(error, r, "seccomp: add a rule for %s", name);
    }
    return true;
}

static bool add_rule(BerthFilter *filter, json_object *rule, uint64_t capabilities,
                     GError **error) {
    struct scmp_arg_cmp arguments[MAX_ARGUMENTS];
    g_auto(GStrv) names = NULL;
    json_object *array;
    uint32_t action;
    bool applies;
    guint count = 0;

    if (!berth_filter_check_conditions(rule, capabilities, &applies, error))
        return false;
    if (!applies)
        return true;
    if (!berth_document_get_strings(rule, "names", &names, error) ||
        !read_action(rule, "action", "errnoRet", &action, error) ||
        !note_action(filter, action, names, error) ||
        !berth_document_get_array(rule, "args", &array, error))
        return false;
    for (; array && count < json_object_array_length(array); count++) {
        json_object *argument = json_object_array_get_idx(array, count);
        if (count >= MAX_ARGUMENTS || !json_object_is_type(argument, json_type_object))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "seccomp: invalid args");
        if (!filter_read_argument(argument, &arguments[count], error))
            return false;
    }
    for (char **name = names; *name; name++)
        if (!add_call(filter, *name, action, arguments, count, error))
            return false;
    return true;
}

static bool filter_add_rules(BerthFilter *filter, json_object *root, uint64_t capabilities,
                             GError **error) {
    json_object *array;
    int r;

    if (!berth_document_get_array(root, "syscalls", &array, error))
        return false;
    for (guint i = 0; array && i < json_object_array_length(array); i++) {
        json_object *rule = json_object_array_get_idx(array, i);
        if (!json_object_is_type(rule, json_type_object))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "seccomp: invalid syscalls");
        if (!add_rule(filter, rule, capabilities, error))
            return false;
    }
    /* 2 selects a binary tree of system calls (seccomp_attr_set(3)). The launcher sets no_new_privs
     * itself. */
    if ((r = seccomp_attr_set(filter->context, SCMP_FLTATR_CTL_OPTIMIZE, 2)) < 0 ||
        (r = seccomp_attr_set(filter->context, SCMP_FLTATR_CTL_NNP, 0)) < 0)
        return berth_error_set_errno(error, r, "seccomp: set attributes");
    return true;
}

/* Returns 0 for a name that is not of the form "SCMP_ARCH_X86_64". */
static uint32_t resolve_architecture(const char *name) {
    g_autofree char *lower = g_ascii_strdown(name, -1);

    return g_str_has_prefix(lower, "scmp_arch_")
               ? seccomp_arch_resolve_name(lower + strlen("scmp_arch_"))
               : 0;
}

static bool add_named_architectures(scmp_filter_ctx filter, char **names, GError **error) {
    for (char **name = names; *name; name++) {
        uint32_t token = resolve_architecture(*name);
        if (token == 0)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "seccomp: unknown architecture \"%.100s\"", *name);
        int r = seccomp_arch_add(filter, token);
        if (r < 0 && r != -EEXIST)
            return berth_error_set_errno(error, r, "seccomp: add the architecture %s", *name);
    }
    return true;
}

/* "archMap" in the profiles of moby and podman: lists the architectures that belong to each
 * machine. */
static bool add_mapped_architectures(scmp_filter_ctx filter, json_object *root, GError **error) {
    json_object *array;

    if (!berth_document_get_array(root, "archMap", &array, error))
        return false;
    for (guint i = 0; array && i < json_object_array_length(array); i++) {
        json_object *entry = json_object_array_get_idx(array, i);
        g_auto(GStrv) below = NULL;
        const char *name;
        if (!json_object_is_type(entry, json_type_object))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "seccomp: invalid archMap");
        if (!berth_document_get_string(entry, "architecture", &name, error) ||
            !berth_document_get_strings(entry, "subArchitectures", &below, error))
            return false;
        /* Entries of other machines are skipped, since one profile serves all of them. */
        if (name && resolve_architecture(name) == seccomp_arch_native() &&
            !add_named_architectures(filter, below, error))
            return false;
    }
    return true;
}

/* The machine's own architecture is always included. */
static bool add_architectures(scmp_filter_ctx filter, json_object *root, GError **error) {
    g_auto(GStrv) names = NULL;

    return berth_document_get_strings(root, "architectures", &names, error) &&
           add_named_architectures(filter, names, error) &&
           add_mapped_architectures(filter, root, error);
}

/* The flags are passed to the kernel when the filter is loaded. */
static bool read_flags(json_object *root, unsigned *bits, GError **error) {
    g_auto(GStrv) names = NULL;

    *bits = 0;
    if (!berth_document_get_strings(root, "flags", &names, error))
        return false;
    for (char **name = names; *name; name++) {
        size_t i = 0;
        while (i < G_N_ELEMENTS(flags) && !g_str_equal(flags[i].name, *name))
            i++;
        if (i == G_N_ELEMENTS(flags))
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   "seccomp: the flag \"%.100s\" is not supported", *name);
        *bits |= flags[i].flag;
    }
    return true;
}

static bool build_of_object(json_object *root, uint64_t capabilities, BerthFilter *filter,
                            GError **error) {
    uint32_t action;

    *filter = (BerthFilter){NULL};
    if (!read_action(root, "defaultAction", "defaultErrnoRet", &action, error) ||
        !read_flags(root, &filter->flags, error))
        return false;
    if (action == SCMP_ACT_NOTIFY)
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "seccomp: SCMP_ACT_NOTIFY is not supported as the default action");
    filter->context = seccomp_init(action);
    if (!filter->context)
        return berth_error_set(error, BERTH_ERROR_INTERNAL, "seccomp: make a filter");
    if (add_architectures(filter->context, root, error) &&
        filter_add_rules(filter, root, capabilities, error))
        return true;
    seccomp_release(g_steal_pointer(&filter->context));
    return false;
}

bool berth_filter_build(const char *profile, size_t size, uint64_t capabilities,
                        BerthFilter *filter, GError **error) {
    g_autoptr(json_object) root = berth_document_parse(profile, size, error);

    return root && build_of_object(root, capabilities, filter, error);
}

bool berth_filter_build_default(uint64_t capabilities, BerthFilter *filter, GError **error) {
    berth_autofd int fd = open(BERTH_DEFAULT_PROFILE, O_RDONLY | O_CLOEXEC);
    size_t size;

    if (fd < 0)
        return berth_error_set_errno(error, errno, "open " BERTH_DEFAULT_PROFILE);
    g_autofree char *text = berth_fd_read_whole(fd, BERTH_MAX_DOCUMENT_BYTES, &size, error);
    return text && berth_filter_build(text, size, capabilities, filter, error);
}

BerthFilterProgram *berth_filter_compile(const BerthFilter *filter, GError **error) {
    berth_autofd int file = memfd_create("filter", MFD_CLOEXEC);
    size_t size;
    int r = file < 0 ? -errno : seccomp_export_bpf(filter->context, file);

    if (r < 0) {
        berth_error_set_errno(error, r, "seccomp: compile the filter");
        return NULL;
    }
    char *data = berth_fd_read_whole(file, BPF_MAXINSNS * sizeof(struct sock_filter), &size, error);
    if (!data)
        return NULL;
    BerthFilterProgram *program = g_new0(BerthFilterProgram, 1);
    program->count = (uint32_t)(size / sizeof(struct sock_filter));
    program->flags = filter->flags;
    program->notifies = filter->notifies;
    if (program->notifies)
        program->flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    /* Without TSYNC_ESRCH, seccomp(2) may return the ID of a thread that cannot be synchronised,
     * which would be mistaken for the listener's descriptor. */
    if (program->notifies && (program->flags & SECCOMP_FILTER_FLAG_TSYNC))
        program->flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
    /* Kept for as long as the service runs, unlike the buffer, which is larger. */
    program->instructions = g_realloc(data, MAX(size, 1));
    return program;
}

void berth_filter_program_free(BerthFilterProgram *program) {
    g_free((gpointer)program->instructions);
    g_free(program);
}
