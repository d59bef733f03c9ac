/* Declared by port/windows/posix.h, which every file includes first. */
