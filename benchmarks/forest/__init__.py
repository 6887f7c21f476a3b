"""`fmtrain predict` as a whole process, beside alphaFM's fm_predict."""
