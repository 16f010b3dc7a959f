"""Our tests. A package of its own name, because what is installed may bring another one."""
