/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * login and logout. login stores credentials in the caller's files after the service has tried them
 * at the registry.
 */

#include "client/verbs.h"

#include "client/bus.h"
#include "client/credentials.h"
#include "client/search.h"
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* A line without its newline, which the caller frees. The buffer of getline(3) is erased, since the
 * line may be a password. */
static char *read_password_line(FILE *file) {
    char *line = NULL;
    size_t size = 0;
    ssize_t length = getline(&line, &size, file);
    char *copy = length < 0 ? NULL : g_strndup(line, strcspn(line, "\r\n"));

    if (line)
        explicit_bzero(line, size);
    free(line);
    return copy;
}

/* Asks on the terminal, even if standard input is another file; a secret is not echoed. */
static char *ask_at_terminal(const char *prompt, bool secret, GError **error) {
    FILE *terminal = fopen("/dev/tty", "r+e");
    struct termios before, quiet;

    if (!terminal) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        _("cannot ask for credentials without a terminal; use --username and "
                          "--password-stdin"));
        return NULL;
    }
    fprintf(terminal, "%s", prompt);
    fflush(terminal);
    bool silenced = secret && tcgetattr(fileno(terminal), &before) == 0;
    if (silenced) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(fileno(terminal), TCSAFLUSH, &quiet);
    }
    char *answer = read_password_line(terminal);
    if (silenced) {
        tcsetattr(fileno(terminal), TCSAFLUSH, &before);
        fputc('\n', terminal);
    }
    fclose(terminal);
    if (!answer)
        berth_error_set(error, BERTH_ERROR_CANCELLED, _("nothing was entered"));
    return answer;
}

/* The service tries the credentials at the registry; dist itself does not access the network. */
static bool registry_authenticate(const char *registry, const BerthCredentials *credentials,
                                  bool insecure, GError **error) {
    sd_bus_message *call = dist_new_call(error, DIST_IMAGES, "Authenticate");
    int r;

    if (!call)
        return false;
    if ((r = sd_bus_message_append(call, "s", registry)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (insecure && (r = sd_bus_message_append(call, "{sv}", "Insecure", "b", 1)) < 0) ||
        (r = dist_append_credentials(call, credentials)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error);
    }
    g_autoptr(sd_bus_message) reply = dist_send(call, error);
    return reply != NULL;
}

/* Credentials are stored without a scheme, as docker and podman do: no program would find them
 * under a key with one. */
static bool check_login_registry(const char *registry, GError **error) {
    return !strstr(registry, "://") ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           _("name the registry as HOST[:PORT], without a scheme"));
}

static struct {
    char *username;
    gboolean from_stdin;
    gboolean insecure, tls_verify, get_login;
} login_given = {.tls_verify = TRUE};

static const DistOption login_options[] = {
    {"username", 'u', DIST_OPTION_TEXT, &login_given.username, N_("User name"), N_("NAME")},
    {"password-stdin", 0, DIST_OPTION_FLAG, &login_given.from_stdin,
     N_("Read the password from standard input"), NULL},
    {"insecure", 0, DIST_OPTION_FLAG, &login_given.insecure,
     N_("Allow plain HTTP and certificates that cannot be checked"), NULL},
    {"tls-verify", 0, DIST_OPTION_FLAG, &login_given.tls_verify,
     N_("=false: allow plain HTTP and certificates that cannot be checked"), NULL},
    {"get-login", 0, DIST_OPTION_FLAG, &login_given.get_login,
     N_("Print the user name that is stored for the registry, and store nothing"), NULL},
    {"password", 'p', DIST_OPTION_REFUSED, NULL,
     N_("every user can see the command line; use --password-stdin"), NULL},
    DIST_OPTION_END,
};

/* As podman-login(1). An identity token has no user name: docker's protocol for helpers marks it
 * so.
 */
static bool print_login(const char *registry, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthCredentials) found = dist_find_credentials(registry, &local);

    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    if (!found)
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND, _("there are no credentials for %s"),
                               registry);
    printf("%s\n", found->username ? found->username : "<token>");
    return true;
}

/* Nothing is stored unless the registry has accepted the credentials. */
static int verb_login(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    g_autoptr(BerthCredentials) credentials = g_new0(BerthCredentials, 1);
    const char *registry = argc > 1 ? argv[1] : "docker.io";

    if (!check_login_registry(registry, error))
        return EXIT_FAILURE;
    if (login_given.get_login)
        return print_login(registry, error) ? EXIT_SUCCESS : EXIT_FAILURE;
    credentials->username = g_strdup(login_given.username);
    if (!credentials->username &&
        !(credentials->username = ask_at_terminal(_("User name: "), false, error)))
        return EXIT_FAILURE;
    credentials->password = login_given.from_stdin ? read_password_line(stdin)
                                                   : ask_at_terminal(_("Password: "), true, error);
    if (!credentials->password) {
        if (!*error)
            berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("there is no password"));
        return EXIT_FAILURE;
    }
    /* The host is asked; the credentials may be stored for one repository or namespace on it. */
    g_autofree char *host = g_strndup(registry, strcspn(registry, "/"));
    if (!registry_authenticate(host, credentials, login_given.insecure || !login_given.tls_verify,
                               error) ||
        !dist_keep_credentials(registry, credentials, error))
        return EXIT_FAILURE;
    if (!dist_settings.quiet)
        printf(_("Logged in to %s.\n"), registry);
    return EXIT_SUCCESS;
}

static int verb_logout(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    return dist_remove_credentials(argc > 1 ? argv[1] : "docker.io", error) ? EXIT_SUCCESS
                                                                            : EXIT_FAILURE;
}

const DistVerb dist_registry_verbs[] = {
    {.name = "search",
     .arguments = N_("[REGISTRY/]TERM"),
     .summary = N_("Search Docker Hub or another registry for images"),
     .options = dist_search_options,
     .run = dist_verb_search,
     .min = 1,
     .max = 1,
     .details = N_("In registries other than Docker Hub, TERM is searched in the catalog of "
                   "names, if there is one."),
     .example = "dist search registry.example.com/web"},
    {.name = "login",
     .arguments = N_("[REGISTRY]"),
     .summary = N_("Store credentials for a registry"),
     .options = login_options,
     .run = verb_login,
     .max = 1,
     .example = "dist login registry.example.com"},
    {.name = "logout",
     .arguments = N_("[REGISTRY]"),
     .summary = N_("Delete credentials for a registry"),
     .run = verb_logout,
     .max = 1},
    {.name = NULL},
};
