# What Windows PowerShell 5.1 on Windows Server 2019 does not have must not be in a script: PowerShell's own parser says where it
# is. Syntax is refused by a list of what is new; commands, their parameters, types and methods are on a list of what 5.1, .NET
# Framework 4.7 and the NetSecurity module of 2019 have, and everything else is refused. Writes a line for each check.
param ([string] $First, [string] $Second)
Set-StrictMode -Version Latest
function Test-None { param ([string] $What, $Found) if (@($Found | Where-Object { $null -ne $_ }).Count -eq 0) { "ok $What" } else { "not ok ${What}: $(@($Found) -join ', ')" } }

$commands = @{
    'ConvertFrom-Json' = 'InputObject'; 'ConvertTo-Json' = 'InputObject', 'Depth', 'Compress'; 'ForEach-Object' = @(); 'Where-Object' = @(); 'Out-Null' = @()
    'Get-ChildItem' = 'LiteralPath'; 'Get-CimInstance' = 'ClassName', 'Filter'; 'Get-DnsClientServerAddress' = @(); 'Get-Command' = 'Name'; 'Get-ItemProperty' = 'LiteralPath'; 'New-Item' = 'Path', 'Force'
    'New-ItemProperty' = 'LiteralPath', 'Name', 'Value', 'PropertyType', 'Force'; 'New-Object' = 'TypeName', 'ArgumentList'; 'Remove-Item' = 'LiteralPath'
    'Remove-ItemProperty' = 'LiteralPath', 'Name'; 'Select-Object' = 'First', 'Property', 'Skip', 'Unique'; 'Set-StrictMode' = 'Version'; 'Sort-Object' = 'Unique'; 'Test-Path' = 'LiteralPath'
    'Write-Warning' = 'Message', 'WarningAction'; 'Find-NetRoute' = 'RemoteIPAddress'; 'New-CimSession' = @(); 'Remove-CimSession' = 'CimSession', 'Confirm', 'WhatIf'
    'Get-NetFirewallRule' = 'PolicyStore', 'Name'; 'Get-NetFirewallAddressFilter' = 'PolicyStore', 'GPOSession'; 'Get-NetFirewallPortFilter' = 'PolicyStore'; 'Get-NetFirewallApplicationFilter' = 'PolicyStore'
    'Get-NetFirewallServiceFilter' = 'PolicyStore'; 'Get-NetFirewallInterfaceFilter' = 'PolicyStore'; 'Get-NetFirewallInterfaceTypeFilter' = 'PolicyStore'
    'Get-NetFirewallSecurityFilter' = 'PolicyStore'; 'Get-NetFirewallProfile' = 'PolicyStore'; 'Set-NetFirewallProfile' = 'Name', 'DefaultOutboundAction', 'PolicyStore', 'GPOSession'
    'New-NetFirewallRule' = @(); 'Set-NetFirewallRule' = @(); 'Remove-NetFirewallRule' = 'Name', 'PolicyStore'; 'Open-NetGPO' = 'PolicyStore', 'DomainController'; 'Save-NetGPO' = 'GPOSession'
    'Get-MpComputerStatus' = @(); 'Get-MpPreference' = @(); 'Set-WinInetProxy' = @()
    # Since Windows Server 2022: the engine asks whether they are there, which windows_firewall_engine.ps1 tries.
    'Get-NetFirewallDynamicKeywordAddress' = 'All'; 'New-NetFirewallDynamicKeywordAddress' = @(); 'Update-NetFirewallDynamicKeywordAddress' = @(); 'Remove-NetFirewallDynamicKeywordAddress' = @()
}
$types = 'bool', 'byte[]', 'char[]', 'hashtable', 'int', 'object', 'object[]', 'ordered', 'pscustomobject', 'ref', 'string', 'string[]', 'switch', 'version', 'System.BitConverter', 'System.DateTime', 'System.Environment', 'System.IO.File', 'System.IO.Path', 'NullString', 'System.Management.Automation.ErrorRecord', 'System.Threading.AbandonedMutexException', 'System.UnauthorizedAccessException', 'System.Threading.Mutex',
'System.Management.Automation.PSCustomObject', 'System.Math', 'System.Net.Dns', 'System.Net.IPAddress', 'System.Net.NetworkInformation.NetworkInterface', 'System.StringComparison', 'System.Text.Encoding',
'System.Text.RegularExpressions.Regex'
$members = 'DateTime::Today', 'string::CompareOrdinal', 'BitConverter::ToInt32', 'BitConverter::ToString', 'Environment::GetEnvironmentVariable', 'Environment::SetEnvironmentVariable', 'Environment::Is64BitOperatingSystem', 'Environment::Is64BitProcess', 'Path::Combine', 'NullString::Value', 'StringComparison::Ordinal', 'Encoding::UTF8', 'File::Exists', 'File::ReadAllText',
'File::WriteAllText', 'Math::Max', 'Math::Min', 'Dns::GetHostAddresses', 'IPAddress::Parse', 'IPAddress::TryParse', 'NetworkInterface::GetAllNetworkInterfaces', 'StringComparison::OrdinalIgnoreCase', 'Encoding::ASCII', 'Regex::Unescape'
$methods = 'Add', 'Clone', 'ComputeHash', 'ContainsKey', 'Dispose', 'DeleteInstance', 'EnumerateInstances', 'GetAddressBytes', 'GetBaseException', 'GetIPProperties', 'GetString', 'GetUnresolvedProviderPathFromPSPath', 'LastIndexOf', 'PadRight', 'GetBytes', 'ReleaseMutex', 'Remove', 'Replace',
'SetCustomOption', 'ShouldProcess', 'StartsWith', 'Substring', 'ToArray', 'ToLowerInvariant', 'ToString', 'Trim', 'TrimEnd', 'TrimStart', 'WaitOne'
# Objects that New-Object makes.
$made = '''byte[]''', '$type', '''System.Collections.Generic.List[object]''', '''System.Threading.Mutex'''

function Get-Newer {
    param ([string] $Text)
    $tokens = $null
    $errors = $null
    $tree = [System.Management.Automation.Language.Parser]::ParseInput($Text, [ref] $tokens, [ref] $errors)
    foreach ($item in $errors) { "line $($item.Extent.StartLineNumber): $($item.Message)" }
    $kinds = 'QuestionQuestion', 'QuestionQuestionEquals', 'QuestionDot', 'QuestionLBracket', 'QuestionMark', 'AndAnd', 'OrOr', 'Clean', 'Class', 'Enum', 'Using'
    foreach ($token in $tokens) {
        if ("$($token.Kind)" -in $kinds) { "line $($token.Extent.StartLineNumber): $($token.Text)" }
        # Of 7 are escapes, and suffixes of numbers.
        if ("$($token.Kind)" -in 'StringExpandable', 'HereStringExpandable' -and $token.Text -cmatch '`[eu]') { "line $($token.Extent.StartLineNumber): $($token.Text)" }
        if ("$($token.Kind)" -eq 'Number' -and $token.Text -notmatch '^-?[0-9]+$') { "line $($token.Extent.StartLineNumber): $($token.Text)" }
    }
    $all = @($tree.FindAll({ $true }, $true))
    $functions = @{}
    foreach ($node in $all) { if ($node.GetType().Name -eq 'FunctionDefinitionAst') { $functions[$node.Name] = $node } }
    foreach ($node in $all) {
        $line = "line $($node.Extent.StartLineNumber):"
        switch ($node.GetType().Name) {
            { $_ -in 'TernaryExpressionAst', 'PipelineChainAst' } { "$line $_" }
            'PipelineAst' { if ($node.Background) { "$line &" } }
            { $_ -in 'TypeExpressionAst', 'TypeConstraintAst' } { if ("$($node.TypeName)" -notin $types) { "$line [$($node.TypeName)]" } }
            { $_ -in 'InvokeMemberExpressionAst', 'MemberExpressionAst' } {
                if ($node.Static) { if (("$($node.Expression)" -replace '^\[(.*\.)?|\]$', '') + "::$($node.Member)" -notin $members) { "$line $($node.Expression)::$($node.Member)" } }
                elseif ($_ -eq 'InvokeMemberExpressionAst' -and "$($node.Member)" -notin $methods) { "$line .$($node.Member)()" }
                # A single object without a Count of its own has none in 5.1, which strict mode makes an error.
                elseif ("$($node.Member)" -eq 'Count' -and $node.Expression.GetType().Name -eq 'VariableExpressionAst') {
                    $scope = $node
                    while ($null -ne $scope.Parent -and $scope.GetType().Name -ne 'FunctionDefinitionAst') { $scope = $scope.Parent }
                    $name = $node.Expression.VariablePath.UserPath
                    foreach ($from in @($scope.FindAll({ $args[0].GetType().Name -eq 'AssignmentStatementAst' -and "$($args[0].Left)" -eq "`$$name" }, $true))) {
                        $right = $from.Right
                        $command = if ($right.GetType().Name -eq 'PipelineAst' -and $right.PipelineElements[0].GetType().Name -eq 'CommandAst') { $right.PipelineElements[0].GetCommandName() }
                        $isTable = "$command" -ne '' -and $functions.ContainsKey($command) -and "$($functions[$command].Body.ParamBlock.Attributes)" -match 'OutputType\(\[hashtable\]\)'
                        if (($null -ne $command -and -not $isTable) -or $right.GetType().Name -in 'ForEachStatementAst', 'IfStatementAst', 'SwitchStatementAst') { "$line `$$name.Count" }
                    }
                }
            }
            'CommandAst' {
                $command = $node.GetCommandName()
                if ($null -eq $command -or $functions.ContainsKey($command)) { break }
                if (-not $commands.ContainsKey($command)) { "$line $command"; break }
                foreach ($element in $node.CommandElements) {
                    if ($element.GetType().Name -eq 'CommandParameterAst' -and $element.ParameterName -ne 'ErrorAction' -and $element.ParameterName -notin $commands[$command]) { "$line $command -$($element.ParameterName)" }
                }
                if ($command -eq 'New-Object' -and "$($node.CommandElements[2])" -notin $made) { "$line $node" }
            }
        }
    }
}
# The checks themselves must find what they look for.
foreach ($sample in '$a ? 1 : 2', '$a = $b ?? 1', '$a ??= 1', 'a && b', 'a || b', '${a}?.b', '${a}?[0]', 'Test-Path -LiteralPath a &', '1 | ForEach-Object -Parallel { 1 }', 'ConvertFrom-Json -InputObject $a -AsHashtable',
    'ConvertFrom-Json -InputObject $a -Depth 9', 'Get-Error', 'Test-Json -Json $a', '$a.Contains("x", "y")', '[string]::IsNullOrWhiteSpace2($a)', '[System.Index] $a', '"`u{41}"', '"`e[1m"', '100_000uy', 'class A { }',
    'enum A { B }', 'using namespace System.IO', 'function A { begin { 1 } clean { 2 } }', '$a = Get-NetFirewallRule -PolicyStore x; $a.Count', '$a = foreach ($b in $c) { $b }; $a.Count', 'New-Object -TypeName ''System.Half''',
    'Remove-NetFirewallRule -All', '$a.Split('','')', 'Join-Path -Path a -ChildPath b -AdditionalChildPath c', 'Get-NetFirewallHyperVRule') {
    if (@(Get-Newer $sample).Count -gt 0) { "ok finds $sample" } else { "not ok finds $sample" }
}
foreach ($sample in '& $a | Where-Object { $_ -and 1 -or 2 }', '$a = @(Get-NetFirewallRule -PolicyStore x); $a.Count', '$a = @{}; $a.Count', '"`n"', '12') { Test-None -What "no false alarm: $sample" -Found (Get-Newer $sample) }

foreach ($path in $First, $Second) {
    Test-None -What 'is Windows PowerShell 5.1 on Windows Server 2019' -Found (Get-Newer ([System.IO.File]::ReadAllText($path)))
}
'done'
