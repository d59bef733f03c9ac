/* The second cgroup hierarchy: its root, to attach programs to, and what a process's path in it tells.
 *
 * Facts: cgroups(7); systemd, Docker, Podman, containerd and CRI-O name a container's directory by
 * its id of 64 hexadecimal digits, with a prefix and ".scope" around it or not. */
#ifndef WEIR_PROCESS_CGROUP_H
#define WEIR_PROCESS_CGROUP_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>

/* A directory of the caller's.  By a mount of our own that nobody else sees, so that it does not
 * matter where, or whether, it is mounted here; else where mountinfo says. */
int cgroup_root_open(int *fd, struct weir_error *err) MUST_CHECK;

#define CONTAINER_ID 65 /* with its NUL */

/* The container's id in a cgroup path; false: it is of none. */
bool cgroup_container(const char *path, char id[CONTAINER_ID]);

#endif
