/* Linux's names for integers, which process/event.h shares with programs in its kernel. */
#ifndef WEIR_PORT_WINDOWS_LINUX_TYPES_H
#define WEIR_PORT_WINDOWS_LINUX_TYPES_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;

#endif
