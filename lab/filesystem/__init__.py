"""Operations on files, file locks and databases: their twins, and what they touch and wait for."""
