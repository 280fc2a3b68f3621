"""Running a site: checks, backups, the local certificate authority, and the certificate that pages are served with."""
