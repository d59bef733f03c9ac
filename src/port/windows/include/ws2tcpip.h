#pragma GCC system_header
#ifdef WEIR_PORT_WINDOWS_PLAIN
# include_next <ws2tcpip.h>
#else
# include "winsock2.h"
#endif
