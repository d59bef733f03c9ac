/* A POSIX ACL as it stands in system.posix_acl_access and _default, in text.
 * Facts: Linux include/uapi/linux/posix_acl_xattr.h: version u32 = 2, then entries of tag u16,
 * permissions u16, id u32, all little endian. */
#ifndef WEIR_FILESYSTEM_ACL_H
#define WEIR_FILESYSTEM_ACL_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "user::rw-,user:1000:r--,group::r--,mask::r--,other::---" with NUL; ids stay numbers, which are
 * what the disk holds.  False where the bytes are none, or too many for size. */
bool acl_text(const void *bytes, size_t length, char *text, size_t size) MUST_CHECK;

#endif
