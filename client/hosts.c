/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Access to other hosts through ssh(1). The list of hosts is filled while options are parsed; the
 * words of the command line are kept unchanged, since the other host's dist parses them again.
 * ssh(1) joins the words of a command with spaces and passes them to the remote user's shell, so
 * every word is quoted, and no host may begin with "-".
 */

#include "client/hosts.h"

#include "base/fd.h"
#include "client/translate.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char **words;             /* NULL-terminated; without the program */
static const char *hosts_option; /* the value of -H, which points into one of the words */
static char **hosts;

void dist_hosts_set_words(int argc, char **argv) {
    words = g_new0(char *, argc + 1);
    for (int i = 1; i < argc; i++)
        words[i - 1] = argv[i];
}

/* The parts of "[USER@]HOST[:PORT]", split as sd-bus does. */
typedef struct {
    char *user; /* or NULL */
    char *name; /* without the brackets of an address */
    char *port; /* or NULL */
} HostParts;

static void host_parts_clear(HostParts *parts) {
    g_free(parts->user);
    g_free(parts->name);
    g_free(parts->port);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostParts, host_parts_clear)

/* Letters, digits and some of ".-_:%". The first character is not "-", which would begin an option
 * of ssh(1). */
static bool host_part_is_good(const char *part, const char *others) {
    bool good = g_ascii_isalnum(part[0]) || part[0] == '_' || (part[0] == ':' && part[1] == ':');

    for (const char *c = part; good && *c; c++)
        good = g_ascii_isalnum(*c) || strchr(others, *c);
    return good;
}

static bool host_port_is_good(const char *port) {
    guint64 number;

    return g_ascii_string_to_unsigned(port, 10, 1, 65535, &number, NULL);
}

/* Rejects anything that ssh(1), sd-bus or a shell could interpret differently: sd-bus takes a port
 * that is not a number for a machine on the host. False if it is not a valid host. */
static bool host_split(const char *host, HostParts *parts) {
    const char *at = strchr(host, '@');
    const char *name = at ? at + 1 : host;
    const char *end = name[0] == '[' ? strchr(name, ']') : strchrnul(name, ':');

    if (!end)
        return false;
    const char *rest = end + (name[0] == '[');
    if (*rest != '\0' && *rest != ':')
        return false;
    parts->user = at ? g_strndup(host, (gsize)(at - host)) : NULL;
    parts->name = g_strndup(name + (name[0] == '['), (gsize)(end - name) - (name[0] == '['));
    parts->port = *rest ? g_strdup(rest + 1) : NULL;
    return (!parts->user || host_part_is_good(parts->user, "._-")) &&
           host_part_is_good(parts->name, name[0] == '[' ? ".:-_%" : ".-_") &&
           (!parts->port || host_port_is_good(parts->port));
}

static bool host_check(const char *host, GError **error) {
    g_auto(HostParts) parts = {0};

    return host_split(host, &parts) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           _("invalid host \"%.100s\"; use [USER@]HOST[:PORT]"), host);
}

bool dist_hosts_take(const char *value, GError **error) {
    g_auto(GStrv) list = g_strsplit(value, ",", DIST_MAX_HOSTS + 1);

    /* ssh(1) is found through PATH and uses the configuration and keys of the user it runs as. */
    if (getauxval(AT_SECURE))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                               _("-H is not allowed for a set-user-ID dist"));
    if (hosts)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                               _("-H is given twice; separate hosts by commas"));
    if (g_strv_length(list) > DIST_MAX_HOSTS)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED, _("more than %d hosts"),
                               DIST_MAX_HOSTS);
    if (!list[0])
        return host_check("", error);
    for (char **host = list; *host; host++)
        if (!host_check(*host, error))
            return false;
    hosts = g_steal_pointer(&list);
    hosts_option = value;
    return true;
}

const char *dist_hosts_get_first(void) {
    return hosts[0];
}

char *const *dist_hosts_get_all(void) {
    return hosts;
}

bool dist_hosts_are_several(void) {
    return hosts && hosts[1];
}

static bool word_has(const char *word, const char *place) {
    return place >= word && place <= word + strlen(word);
}

/* A group of options such as "-qH" without the last letter, which takes the value; NULL if none is
 * left. */
static char *option_without_value(const char *option, size_t length) {
    return length > 2 && option[1] != '-' ? g_strndup(option, length - 1) : NULL;
}

/* The remainder of a word without the value at place and the option that it belongs to. */
static char *word_without(const char *word, const char *next, const char *place) {
    if (next == place)
        return option_without_value(word, strlen(word));
    if (word == place)
        return NULL;
    return word_has(word, place)
               ? option_without_value(word, (size_t)(place - word) - (place[-1] == '='))
               : g_strdup(word);
}

/* The command line without -H, and with one word replaced. */
static GPtrArray *words_for_host(DistWordReplacement changed) {
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);

    for (char **word = words; *word; word++) {
        bool is_dropped = changed.word && !changed.instead;
        g_autofree char *left = changed.instead && *word == changed.word
                                    ? g_strdup(changed.instead)
                                    : word_without(*word, word[1], hosts_option);
        g_autofree char *other =
            is_dropped ? word_without(*word, word[1], changed.word) : g_strdup(*word);
        if (left && other)
            g_ptr_array_add(list, is_dropped && !g_str_equal(other, *word)
                                      ? g_steal_pointer(&other)
                                      : g_steal_pointer(&left));
    }
    return list;
}

GPtrArray *dist_hosts_list_words(void) {
    return words_for_host((DistWordReplacement){NULL, NULL});
}

/* "\" and "'" are placed outside the quotes: fish interprets both inside single quotes. */
static void append_quoted(GString *command, const char *word) {
    g_string_append(command, " '");
    for (const char *c = word; *c; c++)
        if (*c == '\'' || *c == '\\')
            g_string_append_printf(command, "'\\%c'", *c);
        else
            g_string_append_c(command, *c);
    g_string_append_c(command, '\'');
}

static void append_destination(GPtrArray *arguments, const char *host) {
    g_auto(HostParts) parts = {0};
    bool valid = host_split(host, &parts);

    g_assert(valid);
    if (parts.port) {
        g_ptr_array_add(arguments, g_strdup("-p"));
        g_ptr_array_add(arguments, g_strdup(parts.port));
    }
    g_ptr_array_add(arguments, g_strdup("--"));
    g_ptr_array_add(arguments, parts.user ? g_strconcat(parts.user, "@", parts.name, NULL)
                                          : g_strdup(parts.name));
}

/* Requests a remote terminal only if there is one here: it would change the bytes of a pipe. */
static GPtrArray *new_ssh(const char *const *arguments, guint count, bool terminal) {
    GPtrArray *ssh = g_ptr_array_new_with_free_func(g_free);
    GString *command = g_string_new("dist");

    g_ptr_array_add(ssh, g_strdup("ssh"));
    g_ptr_array_add(ssh, g_strdup(terminal ? "-t" : "-T"));
    g_ptr_array_add(ssh, g_strdup("-x"));
    append_destination(ssh, hosts[0]);
    for (guint i = 0; i < count; i++)
        append_quoted(command, arguments[i]);
    g_ptr_array_add(ssh, g_string_free(command, FALSE));
    g_ptr_array_add(ssh, NULL);
    return ssh;
}

int dist_host_run_there(GError **error) {
    g_autoptr(GPtrArray) list = dist_hosts_list_words();
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    g_autoptr(GPtrArray) ssh = new_ssh((const char *const *)list->pdata, list->len, terminal);

    execvp("ssh", (char **)ssh->pdata);
    berth_error_set_errno(error, errno, "%s", _("run ssh"));
    return DIST_HOST_FAILURE;
}

void dist_host_exec(char *const *arguments, int input, int output, int says) {
    /* execve(2) preserves ignored signals, and "dist cp" ignores this one. */
    signal(SIGPIPE, SIG_DFL);
    if ((input >= 0 && dup2(input, STDIN_FILENO) < 0) ||
        (output >= 0 && dup2(output, STDOUT_FILENO) < 0) ||
        (says >= 0 && dup2(says, STDERR_FILENO) < 0))
        _exit(127);
    close_range(STDERR_FILENO + 1, ~0u, 0);
    execvp(arguments[0], arguments);
    _exit(127);
}

static bool run_ssh(GPtrArray *ssh, int input, int output, bool quiet, GError **error) {
    berth_autofd int null = quiet ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
    pid_t parent = getpid(), pid = fork();
    int status = 0;

    if (pid == 0) {
        /* With several hosts, no terminal ends this process: its parent does. */
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
            _exit(127);
        dist_host_exec((char *const *)ssh->pdata, input, output, null);
    }
    if (pid < 0)
        return berth_error_set_errno(error, errno, "fork");
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           berth_error_set(error, BERTH_ERROR_INTERNAL, _("dist on %s failed"), hosts[0]);
}

bool dist_host_run_with(DistWordReplacement changed, int input, int output, GError **error) {
    g_autoptr(GPtrArray) list = words_for_host(changed);
    g_autoptr(GPtrArray) ssh = new_ssh((const char *const *)list->pdata, list->len, false);

    return run_ssh(ssh, input, output, false, error);
}

bool dist_host_call(const char *const *arguments, int input, int output, bool quiet,
                    GError **error) {
    g_autoptr(GPtrArray) ssh = new_ssh(arguments, g_strv_length((char **)arguments), false);

    return run_ssh(ssh, input, output, quiet, error);
}
