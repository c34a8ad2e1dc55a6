-- What the server of `pipelines/sql_server.py` runs for its clients, with nothing of Python in it.

-- What is served: `create_sql` where clients may take it for a table of its schema, else NULL.
create table served (schema_name varchar, relation_name varchar, create_sql varchar);

-- Quack asks these two what there is. Clients read a table column by column and with their
-- filters, but a view whole: so whatever can be is shown to them as a table.
create macro duckdb_tables() as table
    select schema_name, relation_name as table_name, create_sql as sql
    from memory.main.served
    where create_sql is not null;

create macro duckdb_views() as table
    select schema_name, relation_name as view_name, null::varchar as sql
    from memory.main.served
    where create_sql is null;

-- Whether a client's statement is run: one SELECT, as DuckDB's own parser reads it, from tables by
-- their names (a file's name has a dot or a slash) and from functions that only compute. Of what is
-- no SELECT the parser gives no statements; json_serialize_plan would bind any statement.
-- NULL and errors are a no.
create macro admitted(session_id, statement) as (
    select
        json_array_length(tree, '$.statements') = 1
        and not exists (
            select 1
            from json_tree(tree) as part
            where part.type = 'OBJECT'
                and case part.value ->> 'type'
                    when 'BASE_TABLE' then
                        not regexp_full_match(part.value ->> 'table_name', '[A-Za-z0-9_]+')
                    when 'TABLE_FUNCTION' then
                        coalesce(part.value -> 'function' ->> 'function_name', '') not in (
                            'duckdb_columns', 'duckdb_tables', 'duckdb_views', 'generate_series',
                            'json_each', 'json_tree', 'range', 'unnest'
                        )
                    when 'FUNCTION' then
                        lower(part.value ->> 'function_name') = 'json_serialize_plan'
                    else false
                end
        )
    from (select cast(json_serialize_sql(cast(statement as varchar)) as json) as tree)
);
