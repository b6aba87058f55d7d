/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds and reads the configuration files of CNI networks. There is no state: the files are read on
 * each call.
 */

#include "base/cni-configurations.h"

#include "base/directory.h"
#include "base/document.h"

#include <fcntl.h>

enum { MAX_CONFIGURATIONS = 256, MAX_BYTES = 1024 * 1024 };

GPtrArray *berth_cni_configurations_list(void) {
    static const char *const suffixes[] = {".conflist", ".conf", ".json", NULL};

    return berth_directory_list_files(BERTH_CNI_CONFIGURATIONS, suffixes, MAX_CONFIGURATIONS);
}

json_object *berth_cni_configurations_read(const char *path) {
    return berth_document_read(AT_FDCWD, path, MAX_BYTES, NULL);
}
