"""The models: SQL files made into views and tables of the schema `analytics`, and checked."""
